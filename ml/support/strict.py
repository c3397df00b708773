"""Strict loading of JSON and YAML into dataclasses.

pydantic checks types and bounds without conversion, but for integers in place of floats. Checked here is what it
accepts: duplicate keys, NaN, absurdly large numbers and texts, deep nesting.
"""

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic_core import ErrorDetails

from ml.errors import UserError
from ml.support.regular_file import MEGABYTE, read_regular

LARGEST_NUMBER = 1e12
LONGEST_TEXT = 20_000
DEEPEST = 20
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""Nested dataclasses inherit it."""

COMPLAINTS = {
    "dataclass_type": "must hold keys and values",
    "dict_type": "must hold keys and values",
    "tuple_type": "must be a list",
    "too_short": "holds {actual_length}; must hold at least {min_length}",
    "too_long": "holds {actual_length}; must hold at most {max_length}",
    "int_type": "is {input}; must be of type int",
    "float_type": "is {input}; must be of type float",
    "bool_type": "is {input}; must be of type bool",
    "string_type": "is {input}; must be of type str",
    "literal_error": "is {input}; use {expected}",
    "union_tag_invalid": "has {discriminator}: {tag}; use {expected_tags}",
    "union_tag_not_found": "needs {discriminator}",
    "finite_number": "is {input}; must be finite",
    "greater_than": "is {input}; must be more than {gt:g}",
    "greater_than_equal": "is {input}; must be at least {ge:g}",
    "less_than": "is {input}; must be less than {lt:g}",
    "less_than_equal": "is {input}; must be at most {le:g}",
    "multiple_of": "is {input}; must be a multiple of {multiple_of:g}",
    "string_pattern_mismatch": "is {input}; must match {pattern}",
    "value_error": "{error}",
}
"""By pydantic's type of the error."""
LISTS = ("expected", "expected_tags", "discriminator")
"""Values in pydantic's messages that contain quotes and commas."""

Word = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""Text that may be given as a number: ``fold: 3`` without quotes."""


def parse_json(content: bytes) -> Any:
    """Parse a JSON text. Raises ``UserError`` naming the first invalid key or value."""
    try:
        data = json.loads(content, object_pairs_hook=_join_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UserError(f"is not JSON (line {error.lineno})") from error
    except UnicodeDecodeError as error:
        raise UserError("is not JSON in UTF-8") from error
    except RecursionError as error:
        raise UserError(f"is nested deeper than {DEEPEST} levels") from error
    except ValueError as error:  # Python does not parse numbers of thousands of digits
        raise UserError(f"has a number beyond {LARGEST_NUMBER:g}") from error
    _check(data, "", 0)
    return data


def read_yaml(path: Path) -> Any:
    """Parse a YAML file to lists, texts, numbers and mappings with text keys, as in JSON.

    Raises ``UserError`` if it cannot be read, or is a pipe or a device.
    """
    try:
        content = _OnceLoader(read_regular(path.resolve(), MEGABYTE)).get_single_data()
        return json.loads(json.dumps(content, default=str))
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: cannot be read as YAML ({reason}); see ml/configs for examples") from error


def load_yaml(kind: Any, path: Path, check: Callable[[Any], None] | None = None) -> Any:
    """Load a value of type ``kind`` from a YAML file and check it by ``check``, which raises ``UserError``.

    Raises ``UserError`` naming the file and what is unknown, missing, mistyped or out of bounds.
    """
    content = read_yaml(path)
    try:
        loaded = build(kind, content)
        if check is not None:
            check(loaded)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return loaded


def build(kind: Any, value: object) -> Any:
    """Build a value of type ``kind`` from parsed JSON or YAML: a dataclass, tuple, dict, scalar or union.

    Fields with a default are optional. Raises ``UserError`` naming what is unknown, missing, mistyped or out of
    bounds.
    """
    try:
        return make_adapter(kind).validate_json(json.dumps(value))
    except ValidationError as error:
        message = _tell(kind, _choose(error.errors(include_url=False)))
        raise UserError(" ".join(message.split())) from None


def check_rules(rules: Iterable[tuple[str, bool]]) -> None:
    """Raise ``UserError`` with the first rule that does not hold: ``field: must be …``."""
    for rule, holds in rules:
        if not holds:
            raise UserError(rule)


@cache
def make_adapter(kind: Any) -> TypeAdapter[Any]:
    """A strict validator of a type."""
    if isinstance(kind, type) and is_dataclass(kind):
        return TypeAdapter(with_config(STRICT)(kind))
    return TypeAdapter(kind, config=STRICT)


def to_plain(value: Any) -> Any:
    """Tuples as lists, as in JSON and YAML."""
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, tuple | list) else value


class _OnceLoader(yaml.SafeLoader):
    """A loader that rejects duplicate keys, of which YAML's own takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001 as PyYAML has it
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"the key {key[:80]!r} occurs twice, line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


def _join_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for key, value in pairs:
        if key in joined:
            raise UserError(f"has the key {key[:80]!r} twice")
        joined[key] = value
    return joined


def _refuse_constant(name: str) -> Any:
    raise UserError(f"holds {name}, which is no number")


def _check(value: Any, where: str, depth: int) -> None:
    if depth > DEEPEST:
        raise UserError(f"is nested deeper than {DEEPEST} levels")
    match value:
        case str():
            _check_text(value, where)
        case bool() | None:
            pass
        case int() | float():
            # Integers of any length compare exactly.
            if (isinstance(value, float) and not math.isfinite(value)) or abs(value) > LARGEST_NUMBER:
                raise UserError(f"has a number beyond {LARGEST_NUMBER:g} at {where or 'its top'}")
        case list():
            for place, each in enumerate(value):
                _check(each, f"{where}[{place}]", depth + 1)
        case dict():
            for key, each in value.items():
                _check_text(key, where)
                _check(each, f"{where}.{key[:80]}" if where else key[:80], depth + 1)


def _check_text(text: str, where: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise UserError(f"has a text of {len(text)} characters at {where or 'its top'} (limit {LONGEST_TEXT})")
    if UNPRINTABLE.search(text):
        raise UserError(f"has characters that cannot be stored at {where or 'its top'}")


def _choose(errors: list[ErrorDetails]) -> ErrorDetails:
    """The first error; for a misspelt key, which is both missing and unknown, the unknown one."""
    first = errors[0]
    same = [each for each in errors if each["loc"][:-1] == first["loc"][:-1]] if first["type"] == "missing" else []
    return next((each for each in same if each["type"] == "unexpected_keyword_argument"), first)


def _tell(kind: Any, error: ErrorDetails) -> str:
    """A pydantic error in one line: where, what, and what is allowed."""
    where, owner = _find(kind, error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        return f"unknown key {where}; known are {', '.join(each.name for each in fields(owner))}"
    if error["type"] == "missing":
        return f"key {where} is missing; add it"
    given = repr(error["input"])
    values = {"input": given if len(given) <= 80 else f"{given[:80]}…", **error.get("ctx", {})}
    values |= {name: str(values[name]).replace("'", "").replace(",", " or") for name in LISTS if name in values}
    if get_origin(owner) in (Union, UnionType):  # each member of a union has an error; this is the first
        kinds = " or ".join(each.__name__ for each in get_args(owner))
        complaint = f"is {values['input']}; must be of type {kinds}"
    else:
        complaint = COMPLAINTS.get(error["type"], error["msg"]).format_map(values)
    return f"{where or 'the file'}: {complaint}"


def _find(kind: Any, steps: tuple[int | str, ...]) -> tuple[str, Any]:
    """The path of an error, such as ``stages[0].size``, and the type that contains it."""
    where, owner = "", kind
    for place, step in enumerate(steps):
        owner = kind = _strip(kind)
        if get_origin(kind) in (Union, UnionType):
            members = [each for each in get_args(kind) if is_dataclass(each) and _has_tag(each, step)]
            if not members:
                return where, kind
            owner = kind = members[0]
            continue
        where += f"[{step}]" if isinstance(step, int) else f".{step[:80]}" if where else step[:80]
        if place < len(steps) - 1:
            kind = get_type_hints(kind, include_extras=True)[str(step)] if is_dataclass(kind) else _item_of(kind)
    return where, owner


def _strip(kind: Any) -> Any:
    """A type without annotations and without None."""
    if get_origin(kind) is Annotated:
        return _strip(get_args(kind)[0])
    others = [each for each in get_args(kind) if each is not NoneType]
    return _strip(others[0]) if get_origin(kind) in (Union, UnionType) and len(others) == 1 else kind


def _item_of(kind: Any) -> Any:
    """The item type of a tuple or a dict."""
    return get_args(kind)[0 if get_origin(kind) is tuple else 1]


def _has_tag(kind: Any, tag: int | str) -> bool:
    return any(tag in get_args(hint) for hint in get_type_hints(kind).values())
