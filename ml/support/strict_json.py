"""JSON that came from elsewhere, read without surprises: each key once, finite numbers, text that can be stored; and
dataclasses built from it, strictly."""

import json
import math
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

LARGEST_NUMBER = 1e12
LONGEST_TEXT = 20_000
DEEPEST = 20
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def parse_strictly(content: bytes) -> Any:
    """Parsed JSON. Raises ``ValueError`` that names the first key or value that is wrong."""
    try:
        data = json.loads(content, object_pairs_hook=_join_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON (line {error.lineno})") from error
    except UnicodeDecodeError as error:
        raise ValueError("is not JSON in UTF-8") from error
    except RecursionError as error:
        raise ValueError(f"is nested deeper than {DEEPEST} levels") from error
    _check(data, "", 0)
    return data


def _join_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for key, value in pairs:
        if key in joined:
            raise ValueError(f"has the key {key[:80]!r} twice")
        joined[key] = value
    return joined


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"holds {name}, which is no number")


def _check(value: Any, where: str, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"is nested deeper than {DEEPEST} levels")
    match value:
        case str():
            _check_text(value, where)
        case bool() | None:
            pass
        case int() | float():
            # An integer of any length is compared exactly.
            if (isinstance(value, float) and not math.isfinite(value)) or abs(value) > LARGEST_NUMBER:
                raise ValueError(f"has a number beyond {LARGEST_NUMBER:g} at {where or 'its top'}")
        case list():
            for place, each in enumerate(value):
                _check(each, f"{where}[{place}]", depth + 1)
        case dict():
            for key, each in value.items():
                _check_text(key, where)
                _check(each, f"{where}.{key[:80]}" if where else key[:80], depth + 1)


def _check_text(text: str, where: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"has a text of {len(text)} characters at {where or 'its top'} (limit {LONGEST_TEXT})")
    if UNPRINTABLE.search(text):
        raise ValueError(f"has characters that cannot be stored at {where or 'its top'}")


def build(kind: Any, value: object, where: str) -> Any:
    """A value of type ``kind`` from parsed JSON: a dataclass, tuple, dict, scalar, or one or None.

    A field that has a default may be left out. Raises ``ValueError`` that names what is unknown, missing or mistyped.
    """
    origin = get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _build_dataclass(kind, value, where)
    if origin is UnionType:
        return None if value is None else build(get_args(kind)[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where} must be a list.")
        return tuple(build(get_args(kind)[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{where} must be an object.")
        inner = get_args(kind)[1]
        return value if inner is Any else {key: build(inner, item, f"{where}.{key}") for key, item in value.items()}
    return _build_scalar(kind, value, where)


def default_of(each: Field[Any]) -> Any:
    """What a field is where it is left out; ``MISSING`` where it must not be."""
    return each.default if each.default_factory is MISSING else each.default_factory()


def _build_dataclass(kind: type, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object.")
    names = {each.name for each in fields(kind)}
    optional = {each.name for each in fields(kind) if default_of(each) is not MISSING}
    for key in sorted((names ^ set(value)) - (optional - set(value))):
        raise ValueError(f"{where}: the key {key[:80]} is {'missing' if key in names else 'unknown'}.")
    hints = get_type_hints(kind)
    return kind(**{name: build(hints[name], each, f"{where}: {name}") for name, each in value.items()})


def _build_scalar(kind: Any, value: object, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where} must be of type {kind.__name__}.")
    return value
