"""JSON schema of a bundle's manifest.

Rules that join several fields, such as that priors sum to 1, are in ``ml.bundle.rules`` only.
"""

import argparse
import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from ml.bundle.manifest import JSON_STYLE, Manifest
from ml.support.strict import make_adapter


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out titles, which would repeat the fields' names."""

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
