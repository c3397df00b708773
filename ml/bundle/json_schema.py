"""The JSON schema of a bundle's manifest: ``python -m ml.bundle.json_schema docs/manifest.schema.json`` writes it.

The rules that join several fields, as that the priors sum to 1, are in ``ml.bundle.rules`` alone.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from ml.bundle.manifest import JSON_STYLE, Manifest
from ml.support.command_line import command
from ml.support.strict import make_adapter


class _WithoutTitles(GenerateJsonSchema):
    """A field's title would be its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 as pydantic has it
        return False


def describe_manifest() -> str:
    """The schema (draft 2020-12) as JSON text."""
    schema = make_adapter(Manifest).json_schema(schema_generator=_WithoutTitles)
    return json.dumps({"$schema": GenerateJsonSchema.schema_dialect, **schema}, **JSON_STYLE) + "\n"


@command()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 with a one-line message for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m ml.bundle.json_schema", description=__doc__)
    parser.add_argument("out", type=Path, help="the file to write")
    parser.parse_args(arguments).out.write_text(describe_manifest(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
