"""The JSON schema of a bundle's manifest.

The rules that join several fields, as that the priors sum to 1, are in ``ml.bundle.rules`` alone.
"""

import argparse
import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from ml.bundle.manifest import JSON_STYLE, Manifest
from ml.support.strict import make_adapter


class _WithoutTitles(GenerateJsonSchema):
    """A field's title would be its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 as pydantic has it
        return False


def describe_manifest() -> str:
    """The schema (draft 2020-12) as JSON text."""
    schema = make_adapter(Manifest).json_schema(schema_generator=_WithoutTitles)
    return json.dumps({"$schema": GenerateJsonSchema.schema_dialect, **schema}, **JSON_STYLE) + "\n"


def main(options: argparse.Namespace) -> int:
    """Write the schema."""
    options.out.write_text(describe_manifest(), encoding="utf-8")
    return 0
