"""The settings of the domain's application, which the site knows by its name alone."""

from importlib import import_module
from typing import Any


def complete(settings: dict[str, Any], application: str) -> None:
    """Add the constants of an application's module ``settings``: dictionaries are merged, at every depth, and all else
    is set anew."""
    for name, value in vars(import_module(f"{application}.settings")).items():
        if name.isupper():
            settings[name] = _merge(settings.get(name), value)


def _merge(given: Any, added: Any) -> Any:
    if not (isinstance(given, dict) and isinstance(added, dict)):
        return added
    return given | {name: _merge(given.get(name), value) for name, value in added.items()}
