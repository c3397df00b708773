"""Report of an evaluation, as data and as text."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.metrics.estimate import OVER_IMAGES, OVER_LESIONS, Estimate
from ml.metrics.figures import PER_CLASS, describe_metrics
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float64]

DIGITS = 6
WITHOUT_SHOWN_AGAIN = "balanced_accuracy_without_shown_again"
LABELS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    WITHOUT_SHOWN_AGAIN: "balanced accuracy, lesions shown again left out",
    "macro_f1": "macro-F1",
    "most_probable_accuracy": "accuracy of the most probable class",
    "most_probable_macro_f1": "macro-F1 of the most probable class",
    "malignancy_auc": "malignancy AUC",
    "sensitivity_not_low_risk": "sensitivity, not low risk",
    "specificity_low_risk": "specificity, low risk",
    "sensitivity_suspicious": "sensitivity, suspicious",
    "specificity_not_suspicious": "specificity, not suspicious",
    "expected_calibration_error": "expected calibration error",
    "log_loss": "log loss",
}
"""Names of metrics; ``WITHOUT_SHOWN_AGAIN`` occurs only with lesions of other folds."""


@dataclass(frozen=True, slots=True)
class Report:
    """Metrics of one bundle on one ground-truth file.

    ``values`` holds scalars and, for recall, precision and AUC, (7,); ``intervals`` low and high of each, (2, …);
    ``confusion`` (7, 8) has the truth in rows, the decision in columns, undecided last. ``lesions`` is None if they
    are unknown: the bootstrap is then over images. ``shown_again`` are images of lesions that also occur in another
    fold.
    """

    bundle: str
    bundle_sha256: str
    truth: str
    fold: str | None
    images: int
    lesions: int | None
    per_class: tuple[int, ...]
    missing: tuple[str, ...]
    shown_again: tuple[str, ...]
    not_assessable: tuple[str, ...]
    values: dict[str, FloatArray]
    intervals: dict[str, FloatArray]
    confusion: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a metric is an ``Estimate``."""
        return {
            "bundle": self.bundle,
            "bundle_sha256": self.bundle_sha256,
            "truth": self.truth,
            "fold": self.fold,
            "images": self.images,
            "lesions": self.lesions,
            "missing": list(self.missing),
            "shown_again": list(self.shown_again),
            "not_assessable": list(self.not_assessable),
            **describe_metrics(
                values={name: self.values[name] for name in (*LABELS, *PER_CLASS) if name in self.values},
                intervals=self.intervals,
                per_class=self.per_class,
                how=OVER_IMAGES if self.lesions is None else OVER_LESIONS,
                digits=DIGITS,
                of={WITHOUT_SHOWN_AGAIN: self.images - len(self.shown_again)},
            ),
            "confusion": {
                "rows": "truth",
                "columns": [*CLASSES, "undecided"],
                "counts": [[int(count) for count in row] for row in self.confusion],
            },
        }

    def to_text(self) -> str:
        """A table for people."""
        plain = self.to_dict()
        what = self.truth if self.fold is None else f"{self.truth}, fold {self.fold}"
        lines = [f"{self.bundle} on {what}: {self.images} images{self._of_lesions()}"]
        lines += [f"  {LABELS[name]:<49}{Estimate.from_json(entry)}" for name, entry in plain["metrics"].items()]
        lines.append("  " + f"{'class':<8}{'images':>7}" + "".join(f"{name:>24}" for name in PER_CLASS))
        for code, entry in plain["per_class"].items():
            cells = "".join(f"{Estimate.from_json(entry[name]).text():>24}" for name in PER_CLASS)
            lines.append(f"  {code:<8}{entry['images']:>7}{cells}")
        lines.append("  confusion (rows: truth)" + "".join(f"{code:>7}" for code in (*CLASSES, "none")))
        for code, row in zip(CLASSES, plain["confusion"]["counts"], strict=True):
            lines.append(f"  {code:<23}" + "".join(f"{count:>7}" for count in row))
        lines += [f"  no image, no weight: {image_id}" for image_id in self.missing]
        lines += [f"  shown in another fold too, under another lesion id: {image_id}" for image_id in self.shown_again]
        lines += [f"  not assessable, scored all the same: {image_id}" for image_id in self.not_assessable]
        return "\n".join(lines)

    def _of_lesions(self) -> str:
        if self.lesions is None:
            return "; lesions are not known, the intervals are by bootstrap over images"
        return f" of {self.lesions} lesions; the intervals are by bootstrap over lesions"
