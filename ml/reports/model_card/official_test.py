"""Results on the official test set, measured once by its maintainers; the project has neither images nor labels."""

import json
from pathlib import Path
from typing import Any

from ml.evaluation.report import LABELS
from ml.metrics.estimate import Estimate, table

OFFICIAL_TEST = Path(__file__).parents[3] / "docs" / "official-test.json"
SHOWN = (
    "balanced_accuracy",
    "accuracy",
    "malignancy_auc",
    "sensitivity_not_low_risk",
    "specificity_low_risk",
    "sensitivity_suspicious",
    "specificity_not_suspicious",
    "expected_calibration_error",
    "log_loss",
)


def read_official() -> dict[str, Any]:
    """The maintainers' file, unchanged."""
    return dict(json.loads(OFFICIAL_TEST.read_text(encoding="utf-8")))


def format_official(metric: str) -> str:
    """``0.852 [0.825, 0.877]``."""
    return Estimate.from_json(read_official()["metrics"][metric]).text()


def describe_official() -> str:
    """The section of the model card on the official test set."""
    official = read_official()
    rows = ((LABELS[metric], format_official(metric)) for metric in SHOWN)
    return f"""## The official test set, measured once by the maintainers

{official["images"]} images of the official ISIC 2018 Task 3 test set, read by {official["bundle"]} as it was
first shipped (manifest `{official["bundle_sha256"][:12]}`). Nothing of the model, its size and views included, was
chosen on them. 95 % intervals by bootstrap over images, for lesions are not known; {official["not_assessable"]} images
were not assessable, and are scored all the same. All of it: [official-test.json](official-test.json).

{table(("metric", "value"), rows)}"""
