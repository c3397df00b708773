"""``python -m ml.data.make_hashes``: the perceptual hash of every image of the frozen split, so that it is known again.

Written once; ``ml.evaluation.seen`` reads it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.data.duplicates.near_duplicates import hash_images
from ml.data.isic import read_isic
from ml.data.split import HASHES_FILE, read_split
from ml.errors import UserError
from ml.support.command_line import command


@command()
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the hashes (N,) in the order of the split; 2 with a one-line message for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m ml.data.make_hashes", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--out", type=Path, default=HASHES_FILE, help="default: beside the frozen split")
    options = parser.parse_args(arguments)
    paths = {record.image_id: record.path for record in read_isic(options.data).records}
    lacking = read_split().fold_of.keys() - paths.keys()
    if lacking:
        raise UserError(f"{options.data}: {min(lacking)} is missing, with {len(lacking) - 1} more; give the whole set")
    np.save(options.out, hash_images([paths[name] for name in read_split().fold_of]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
