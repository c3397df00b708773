"""``python -m ml.data.prepare``: HAM10000 in any layout, fetched where asked, checked, and laid out officially."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ml.data.prepare.download import OFFICIAL_ADDRESS, download_official
from ml.errors import UserError
from ml.support.command_line import command, needs_training_libraries

if TYPE_CHECKING:
    from ml.data.prepare.preparation import Summary

MIN_COSINE = 0.3
"""Of whitened embeddings: above it lie half of the pairs of one lesion in HAM10000 and one in 20,000 of the others."""
INTERRUPTED_MESSAGE = "Stopped. The same command goes on with what is written already."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, shared with the management command."""
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="folders or zips of ISIC or HAM10000")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the official layout is written here")
    parser.add_argument("--download", action="store_true", help="first fetch what --source lacks of the official files")
    parser.add_argument("--address", default=OFFICIAL_ADDRESS, metavar="URL", help="where from; default: %(default)s")
    parser.add_argument("--keep-going", action="store_true", help="leave faulty images out, and list them")
    parser.add_argument("--no-embeddings", action="store_true", help="find duplicates by hashes alone: minutes faster")
    parser.add_argument("--min-cosine", type=float, default=MIN_COSINE, help="of embeddings; default: %(default)s")
    parser.add_argument("--threads", type=int, metavar="N", help="default: one a core")


def run(
    *,
    source: Path,
    out: Path,
    download: bool,
    address: str,
    keep_going: bool,
    no_embeddings: bool,
    min_cosine: float,
    threads: int | None,
) -> "Summary":
    """Do what the options say. Raises ``UserError``."""
    if not 0 < min_cosine <= 1:
        raise UserError(f"--min-cosine is {min_cosine}; it must be over 0 and at most 1")
    if threads is not None and threads < 1:
        raise UserError(f"--threads is {threads}; it must be 1 or more")
    with needs_training_libraries():
        from ml.data.prepare.preparation import Options, check_places, prepare  # noqa: PLC0415 --help needs none of it
    check_places(source, out)
    if download:
        download_official(source, address=address)
    options = Options(
        min_cosine=min_cosine,
        keep_going=keep_going,
        embeddings=not no_embeddings,
        threads=threads or os.cpu_count() or 1,
    )
    return prepare(source, out, options)


@command(when_stopped=INTERRUPTED_MESSAGE)
def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare; 2 for bad input, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m ml.data.prepare", description="Check and lay out a data set.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    summary = run(**vars(options))
    print(summary.to_text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
