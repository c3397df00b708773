"""One row for each image outside the test fold, and the separation of classes by a column."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency
from sklearn.metrics import roc_auc_score

from ml.data.artefacts import ARTEFACTS, THRESHOLDS
from ml.data.isic import Dataset
from ml.data.split import TEST
from ml.taxonomy import CLASSES, MALIGNANT


def build_table(dataset: Dataset, measures: pd.DataFrame, folds: Mapping[str, str]) -> pd.DataFrame:
    """Labels, metadata and measures of every image that ``folds`` does not assign to the test fold.

    Artefacts are included as yes or no too: ``has_hair`` and so on. An image in no fold has fold ``none``.
    """
    rows = [
        {
            "image": record.image_id,
            "path": record.path,
            "class": CLASSES[record.label],
            "malignant": CLASSES[record.label] in MALIGNANT,
            "lesion": record.group,
            "age": record.age,
            "sex": record.sex,
            "site": record.site,
            "confirmation": record.confirmation,
            "fold": folds.get(record.image_id, "none"),
        }
        for record in dataset.records
        if folds.get(record.image_id) != TEST
    ]
    table = pd.DataFrame(rows).astype({"age": float}).merge(measures, on="image", validate="one_to_one")
    for artefact in ARTEFACTS:
        table[f"has_{artefact}"] = table[artefact] >= THRESHOLDS[artefact]
    return table


@dataclass(frozen=True, slots=True)
class Separation:
    """How well a measure separates the classes.

    ``explained``: share of its variance between the seven classes (η²); ``auc``: area under the ROC curve of the
    measure alone for malignant against benign, above 0.5 if it is higher in malignant lesions; ``medians`` by class;
    ``missing``: images without it.
    """

    explained: float
    auc: float | None
    medians: dict[str, float]
    missing: int


def separate(table: pd.DataFrame, measure: str) -> Separation:
    """Separation of the classes by one column of numbers."""
    known = table.loc[table[measure].notna(), ["class", "malignant", measure]].astype({measure: float})
    groups = known.groupby("class")[measure]
    spread = ((known[measure] - known[measure].mean()) ** 2).sum()
    between = (groups.transform("mean") - known[measure].mean()).pow(2).sum()
    both = known["malignant"].nunique() == 2
    return Separation(
        explained=float(between / spread) if spread > 0 else 0.0,
        auc=float(roc_auc_score(known["malignant"], known[measure])) if both else None,
        medians={code: float(groups.median()[code]) for code in CLASSES if code in groups.groups},
        missing=len(table) - len(known),
    )


def associate(table: pd.DataFrame, column: str) -> float:
    """Cramér's V between a column of names and the class: 0 for independence, 1 if one determines the other."""
    counts = pd.crosstab(table["class"], table[column]).to_numpy()
    if min(counts.shape) < 2:
        return 0.0
    statistic = float(chi2_contingency(counts, correction=False).statistic)
    return float(np.sqrt(statistic / counts.sum() / (min(counts.shape) - 1)))


def share_by_class(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows of occurring classes, in official order; columns of values; each row sums to 1."""
    shares = pd.crosstab(table["class"], table[column], normalize="index")
    return shares.reindex([code for code in CLASSES if code in shares.index])
