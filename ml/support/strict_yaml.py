"""YAML read strictly into dataclasses: what is unknown, missing or mistyped is one line that names it."""

from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from ml.errors import UserError


def read_yaml(path: Path) -> Any:
    """What a YAML file holds. Raises ``UserError`` where it cannot be read."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: cannot be read as YAML ({reason}); see ml/configs for examples") from error


def build(kind: Any, value: object, where: str = "") -> Any:
    """A value of type ``kind`` from parsed YAML; what is unknown, missing or mistyped is an error naming ``where``."""
    if isinstance(kind, type) and is_dataclass(kind):
        return _build_dataclass(kind, value, where)
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise UserError(f"{where}: must hold keys and values")
        return value
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise UserError(f"{where}: must be a list")
        return tuple(build(get_args(kind)[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    return _build_scalar(kind, value, where)


def _build_dataclass(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise UserError(f"{where or 'the file'}: must hold keys and values")
    prefix = f"{where}." if where else ""
    known = {item.name: item for item in fields(kind)}
    for key in value:
        if key not in known:
            raise UserError(f"unknown key {prefix}{key}; known are {', '.join(known)}")
    hints = get_type_hints(kind)
    for name, item in known.items():
        if name not in value and item.default is MISSING and item.default_factory is MISSING:
            raise UserError(f"key {prefix}{name} is missing; add it")
    return kind(**{key: build(hints[key], item, f"{prefix}{key}") for key, item in value.items()})


def _build_scalar(kind: Any, value: object, where: str) -> Any:
    options = get_args(kind)
    if get_origin(kind) is Literal:
        if value not in options:
            raise UserError(f"{where}: is {value!r}; use {' or '.join(map(str, options))}")
        return value
    if get_origin(kind) in (Union, UnionType):
        return None if value is None else _build_scalar(options[0], value, where)
    if kind is float and type(value) is int:
        return float(value)
    if kind is str and type(value) is int:  # fold: 3 without quotes
        return str(value)
    if type(value) is not kind:
        raise UserError(f"{where}: is {value!r}; must be of type {kind.__name__}")
    return value


def to_plain(value: Any) -> Any:
    """Tuples as lists, as YAML has them."""
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, tuple | list) else value
