"""The settings of the domain's application, which the site knows by its name alone."""

from importlib import import_module
from typing import Any


def complete(settings: dict[str, Any], application: str) -> None:
    """Add the constants of an application's module ``settings``: dictionaries are merged, all else is set anew."""
    for name, value in vars(import_module(f"{application}.settings")).items():
        if name.isupper():
            settings[name] = {**settings.get(name, {}), **value} if isinstance(value, dict) else value
