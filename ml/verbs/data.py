"""Commands that make, check and explore a data set."""

from argparse import ArgumentParser
from pathlib import Path

from ml.data.prepare.download import OFFICIAL_ADDRESS
from ml.data.split import HASHES_FILE
from ml.verbs.verb import Needs, Verb, take_data

MIN_COSINE = 0.3
"""Of whitened embeddings: above it lie half of the pairs of one lesion in HAM10000 and one in 20,000 of the others."""


def prepare(parser: ArgumentParser) -> None:
    """Check HAM10000 in any layout, fetch it where asked, and write the official layout.

    Every image and label is checked and duplicates are listed. The official layout is the one that training and
    evaluation read.
    """
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="folders or zips of ISIC or HAM10000")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the official layout is written here")
    parser.add_argument("--download", action="store_true", help="first fetch what --source lacks of the official files")
    parser.add_argument("--address", default=OFFICIAL_ADDRESS, metavar="URL", help="where from; default: %(default)s")
    parser.add_argument("--keep-going", action="store_true", help="leave faulty images out, and list them")
    parser.add_argument("--no-embeddings", action="store_true", help="find duplicates by hashes alone: minutes faster")
    parser.add_argument("--min-cosine", type=float, default=MIN_COSINE, help="of embeddings; default: %(default)s")
    parser.add_argument("--threads", type=int, metavar="N", help="default: one a core")


def explore(parser: ArgumentParser) -> None:
    """Explore a data set: one HTML page with figures, and its numbers as JSON."""
    take_data(parser)
    parser.add_argument("--out", type=Path, default=Path("runs/eda"), help="folder of the page; default runs/eda")
    parser.add_argument("--publish", action="store_true", help="into docs/eda; refused where the data differ")
    parser.add_argument("--workers", type=int, default=2, help="threads that measure pictures; default 2")


def make_split(parser: ArgumentParser) -> None:
    """Make a split into folds, with its SHA-256 beside it.

    Groups join images of one lesion and near-duplicates, transitively. Groups wholly in the list of unseen images make
    ``test`` (three fifths) and fold 4 (two fifths); every other group goes to folds 0 to 3. Both parts are stratified
    by class.
    """
    take_data(parser)
    parser.add_argument("--unseen", type=Path, required=True, help="CSV with a column `image`: the unseen images")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")


def make_hashes(parser: ArgumentParser) -> None:
    """Write the perceptual hash of every image of the frozen split, by which an image is known again."""
    take_data(parser)
    parser.add_argument("--out", type=Path, default=HASHES_FILE, help="default: beside the frozen split")


def draw_sample(parser: ArgumentParser) -> None:
    """Draw pictures to label by eye, with their contact sheets, from the scores of the artefacts' heuristics."""
    take_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the sheets; cache/ in it keeps the scores")


VERBS = (
    Verb(
        name="prepare",
        options=prepare,
        work="ml.data.prepare.preparation:main",
        when_stopped="Stopped. The same command goes on with what is written already.",
    ),
    Verb(
        name="eda",
        options=explore,
        work="ml.reports.eda.report:main",
        when_stopped="Stopped. Go on where it stopped with the same command.",
    ),
    Verb(name="make-split", options=make_split, work="ml.data.make_split:main"),
    Verb(name="make-hashes", options=make_hashes, work="ml.data.make_hashes:main", needs=Needs.BASE),
    Verb(name="draw-sample", options=draw_sample, work="ml.reports.eda.sample:main"),
)
