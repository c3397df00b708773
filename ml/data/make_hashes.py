"""The perceptual hash of every image of the frozen split, so that it is known again.

Written once; ``ml.evaluation.seen`` reads it.
"""

import argparse

import numpy as np

from ml.data.duplicates.near_duplicates import hash_images
from ml.data.isic import read_isic
from ml.data.split import read_split
from ml.errors import UserError


def main(options: argparse.Namespace) -> int:
    """Write the hashes (N,) in the order of the split."""
    paths = {record.image_id: record.path for record in read_isic(options.data).records}
    lacking = read_split().fold_of.keys() - paths.keys()
    if lacking:
        raise UserError(f"{options.data}: {min(lacking)} is missing, with {len(lacking) - 1} more; give the whole set")
    np.save(options.out, hash_images([paths[name] for name in read_split().fold_of]))
    return 0
