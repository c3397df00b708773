"""Commands that make, check and explore a data set."""

from argparse import ArgumentParser
from pathlib import Path

from ml.data.prepare.download import OFFICIAL_ADDRESS
from ml.data.split import SPLIT_SEED
from ml.verbs.verb import Verb, take_data

MIN_COSINE = 0.3
"""Cosine of whitened embeddings that half of the pairs of one lesion in HAM10000 exceed, and 1 in 20,000 others."""


def prepare(parser: ArgumentParser) -> None:
    """Check HAM10000 in any layout, download it if asked, and write the official layout.

    Every image and label is checked and duplicates are listed. Training and evaluation read the official layout.
    """
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="folders or zips of ISIC or HAM10000")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the official layout is written here")
    parser.add_argument("--download", action="store_true", help="first download the official files that --source lacks")
    parser.add_argument("--address", default=OFFICIAL_ADDRESS, metavar="URL", help="where from; default: %(default)s")
    parser.add_argument("--keep-going", action="store_true", help="leave faulty images out, and list them")
    parser.add_argument("--no-embeddings", action="store_true", help="find duplicates by hashes only, minutes faster")
    parser.add_argument("--min-cosine", type=float, default=MIN_COSINE, help="of embeddings; default: %(default)s")
    parser.add_argument("--threads", type=int, metavar="N", help="default: one a core")


def explore(parser: ArgumentParser) -> None:
    """Explore a data set: one HTML page with figures, and its numbers as JSON."""
    take_data(parser)
    parser.add_argument("--out", type=Path, default=Path("runs/eda"), help="folder of the page; default runs/eda")
    parser.add_argument("--publish", action="store_true", help="into docs/eda; refused where the data differ")
    parser.add_argument("--workers", type=int, default=2, help="threads that measure pictures; default 2")


def make_split(parser: ArgumentParser) -> None:
    """Split a data set into folds, stratified by class and grouped by lesion, patient and near-duplicate.

    The split's SHA-256 and the perceptual hashes of its images are written beside it.
    """
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="directory in the official ISIC 2018 Task 3 layout")
    source.add_argument(
        "--table", type=Path, help="CSV with the columns image, class and optionally lesion and patient"
    )
    parser.add_argument("--images", type=Path, help="directory of the images that --table names")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--seed", type=int, default=SPLIT_SEED, help="of the split; default: %(default)s")


VERBS = (
    Verb(
        name="prepare",
        options=prepare,
        work="ml.data.prepare.preparation:main",
        when_stopped="Stopped. Run the same command again to resume.",
    ),
    Verb(
        name="eda",
        options=explore,
        work="ml.reports.eda.report:main",
        when_stopped="Stopped. Go on where it stopped with the same command.",
    ),
    Verb(name="make-split", options=make_split, work="ml.data.make_split:main"),
)
