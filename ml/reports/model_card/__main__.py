"""The model card of the shipped bundle: ``python -m ml.reports.model_card``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.data.isic import read_isic
from ml.reports.model_card.card import write_card, write_thumbnails
from ml.support.command_line import command


@command()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 with a one-line message for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m ml.reports.model_card", description=__doc__)
    parser.add_argument("--data", type=Path, help="official ISIC 2018 Task 3 layout: renews the small pictures too")
    options = parser.parse_args(arguments)
    manifest = load_bundle(DEFAULT_BUNDLE).manifest
    write_card(manifest)
    if options.data is not None:
        write_thumbnails(manifest, read_isic(options.data).records[0].path.parent)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
