"""What comes from elsewhere is read strictly: nothing twice, unknown, missing, mistyped, out of bounds, or endless."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from ml.errors import UserError
from ml.support.strict import Word, build, load_yaml, parse_json, read_yaml


@dataclass(frozen=True, slots=True)
class Walk:
    kind: Literal["walk"]
    steps: int


@dataclass(frozen=True, slots=True)
class Swim:
    kind: Literal["swim"]
    metres: float = 25.0


Way = Annotated[Walk | Swim, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Tour:
    name: Word
    ways: tuple[Way, ...]
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    by_day: dict[str, tuple[Way, ...]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


WALK = {"kind": "walk", "steps": 3}


def test_a_whole_value_is_built_and_a_whole_number_is_one_with_a_point() -> None:
    built = build(Tour, {"name": 7, "ways": [WALK, {"kind": "swim", "metres": 50}], "share": 1})
    assert built == Tour("7", (Walk("walk", 3), Swim("swim", 50.0)), 1.0)
    assert type(built.ways[1].metres) is float


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"nme": "a"}, "unknown key nme; known are name, ways, share, by_day, notes"),
        ({"name": 1.5}, "name: is 1.5; must be of type str"),
        ({"name": True}, "name: is True; must be of type str"),
        ({"share": 1.01}, "share: is 1.01; must be at most 1"),
        ({"share": "1"}, "share: is '1'; must be of type float"),
        ({"share": float("nan")}, "share: is nan; must be finite"),
        ({"share": True}, "share: is True; must be of type float"),
        ({"ways": WALK}, "ways: must be a list"),
        ({"ways": [3]}, "ways[0]: must hold keys and values"),
        ({"ways": [WALK, {"kind": "fly"}]}, "ways[1]: has kind: fly; use walk or swim"),
        ({"ways": [{}]}, "ways[0]: needs kind"),
        ({"ways": [{"kind": "walk"}]}, "key ways[0].steps is missing; add it"),
        ({"ways": [{"kind": "walk", "step": 3}]}, "unknown key ways[0].step; known are kind, steps"),
        ({"ways": [{"kind": "walk", "steps": 3.0}]}, "ways[0].steps: is 3.0; must be of type int"),
        (
            {"by_day": {"one": [{"kind": "swim", "steps": 1}]}},
            "unknown key by_day.one[0].steps; known are kind, metres",
        ),
        ({"notes": []}, "notes: must hold keys and values"),
        ({"a\nb": 1}, "unknown key a b; known are"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as caught:
        build(Tour, {"name": "a", "ways": [WALK], **change})
    assert str(caught.value).startswith(told)


def test_a_value_that_is_no_object_is_told_of_the_file() -> None:
    with pytest.raises(UserError, match=r"^the file: must hold keys and values$"):
        build(Tour, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
        (b'{"a": NaN}', "holds NaN"),
        (b'{"a": 1e999}', "number beyond 1e.12 at a"),
        (b'{"a": [1, {"b": 2000000000000}]}', r"number beyond 1e.12 at a\[1\]\.b"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number beyond"),
        (b"[" * 30 + b"]" * 30, "nested deeper than 20"),
        (b"[" * 100_000, "nested deeper than 20"),
        (b"\xff\xfe", "is not JSON"),
        (b"{", r"is not JSON \(line 1\)"),
    ],
)
def test_json_with_a_surprise_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse_json(text)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_yaml_is_read_as_json_would_be(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "a: &x [1, 2.5]\nb: *x\n3: yes\nday: 2026-11-28\n")
    assert read_yaml(path) == {"a": [1, 2.5], "b": [1, 2.5], "3": True, "day": "2026-11-28"}
    (tmp_path / "link.yaml").symlink_to(path)
    assert read_yaml(tmp_path / "link.yaml") == read_yaml(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", "the key 'c' occurs twice, line 2"),
        ("a: &a [*a]\n", "cannot be read as YAML"),
        ("a: " + "[" * 5000 + "]" * 5000, "cannot be read as YAML"),
        ("[a, b]: 1\n", "cannot be read as YAML"),
        ("a: !!python/name:os.system\n", "cannot be read as YAML"),
        ("a: 1" + " " * 1_000_000, r"has 1\.0 MB"),
    ],
)
def test_yaml_with_a_surprise_is_refused_in_one_line_that_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    path = write(tmp_path / "a.yaml", text)
    with pytest.raises(UserError, match=told) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero")):
        with pytest.raises(UserError, match="is not a regular file"):
            read_yaml(path)


def test_a_rule_that_does_not_hold_names_the_file(tmp_path: Path) -> None:
    def refuse(tour: Tour) -> None:
        raise UserError(f"name: {tour.name} is taken")

    path = write(tmp_path / "a.yaml", "name: a\nways: []\n")
    with pytest.raises(UserError) as caught:
        load_yaml(Tour, path, refuse)
    assert str(caught.value) == f"{path}: name: a is taken"
