"""Images that no training uses, and why: what was found after the split was frozen.

A find never moves an image between folds and never leaves one out of the test fold. A reason that names images of the
test fold says that they show the same lesion.
"""

import re
from pathlib import Path

from ml.data.rows import read_rows
from ml.data.split import read_groups, read_split
from ml.errors import UserError

EXCLUSIONS_FILE = Path(__file__).parent / "exclusions.csv"
IMAGE_ID = re.compile(r"ISIC_\d{7}")


def read_exclusions(path: Path = EXCLUSIONS_FILE) -> dict[str, str]:
    """The reason by image id. Raises ``UserError`` for an image listed twice, of the test fold, or not in the split."""
    folds = read_split()
    exclusions: dict[str, str] = {}
    for line, row in read_rows(path, ("image", "reason")):
        image_id = row["image"]
        if image_id not in folds:
            raise UserError(f"{path}, line {line}: {image_id} is not in the split; correct the name")
        if folds[image_id] == "test":
            raise UserError(
                f"{path}, line {line}: {image_id} is of the test fold, which stays as it is; remove the row"
            )
        if image_id in exclusions or not row["reason"]:
            raise UserError(f"{path}, line {line}: {image_id} needs one row with a reason; correct the row")
        exclusions[image_id] = row["reason"]
    return exclusions


def find_shown_again(path: Path = EXCLUSIONS_FILE) -> frozenset[str]:
    """Images of the test fold whose lesion an image of another fold shows under another id: those that reasons name,
    and what is of one group with them."""
    folds, groups = read_split(), read_groups()
    named = {image_id for reason in read_exclusions(path).values() for image_id in IMAGE_ID.findall(reason)}
    shown = {groups[image_id] for image_id in named if folds.get(image_id) == "test"}
    return frozenset(image_id for image_id, group in groups.items() if group in shown)
