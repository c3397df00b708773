"""The manifest's JSON schema in the documents is that of the code, and holds for what ships."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ml.__main__ import main
from ml.bundle.folder import DEFAULT_BUNDLE
from ml.bundle.manifest import MANIFEST_FILE

COMMITTED = Path(__file__).parents[3] / "docs" / "manifest.schema.json"


@pytest.fixture
def manifest() -> Any:
    return json.loads((DEFAULT_BUNDLE / MANIFEST_FILE).read_text(encoding="utf-8"))


def list_errors(manifest: Any) -> list[str]:
    schema = json.loads(COMMITTED.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return [error.json_path for error in Draft202012Validator(schema).iter_errors(manifest)]


def test_the_committed_schema_is_that_of_the_code(tmp_path: Path) -> None:
    assert main(["manifest-schema", str(tmp_path / "schema.json")]) == 0
    written = (tmp_path / "schema.json").read_text(encoding="utf-8")
    assert COMMITTED.read_text(encoding="utf-8") == written, (
        "docs/manifest.schema.json is out of date: run `make schema`."
    )


def test_the_shipped_manifest_keeps_to_it(manifest: Any) -> None:
    assert list_errors(manifest) == []


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (lambda m: m.update(schema_version=1), "$.schema_version"),
        (lambda m: m["input"].update(size=31), "$.input.size"),
        (lambda m: m["input"]["views"][1].update(fraction="0.7"), "$.input.views[1].fraction"),
        (lambda m: m["calibration"]["offsets"].pop(), "$.calibration.offsets"),
        (lambda m: m["gate"].update(limit=1), "$.gate"),
        (lambda m: m.pop("licence"), "$"),
    ],
)
def test_a_manifest_that_is_wrong_does_not(manifest: Any, edit: Callable[[Any], object], place: str) -> None:
    edit(manifest)
    assert any(found.startswith(place) for found in list_errors(manifest))
