"""Agreement of two labellings by eye on artefacts, and of the heuristics with both."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import cohen_kappa_score

from ml.data.artefacts import ARTEFACTS, THRESHOLDS
from ml.errors import UserError

LABELS = Path(__file__).parents[3] / "docs" / "eda" / "artefact_labels.csv"
"""Two independent labellings of images: 1 seen, 0 not.

Half are drawn at random, half for high scores of one artefact (by ``ml.reports.eda.sample`` of revision 92996e3).
"""


def read_labels(path: Path = LABELS) -> pd.DataFrame:
    """Columns image, drawn_by, and for every artefact its two labellings ``NAME_1`` and ``NAME_2``."""
    try:
        labels = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error}); restore the committed file") from error
    missing = {"image", "drawn_by", *(f"{name}_{at}" for name in ARTEFACTS for at in (1, 2))} - set(labels.columns)
    if missing:
        raise UserError(f"{path}: column {', '.join(sorted(missing))} is missing; restore the committed file")
    return labels


def check_artefact(labels: pd.DataFrame, scores: pd.Series, artefact: str) -> dict[str, Any]:
    """Agreement of both labellings on an artefact, and of the heuristic on images where they agree.

    ``scores`` are in the order of ``labels``. Every second image chose the threshold; sensitivity, specificity and the
    heuristic's κ come from the others. Shares are [count, of].
    """
    first, second = (labels[f"{artefact}_{at}"].to_numpy() for at in (1, 2))
    agreed = first == second
    choosing = np.arange(len(labels)) % 2 == 0
    called = scores.to_numpy() >= THRESHOLDS[artefact]
    checked = agreed & ~choosing
    seen = checked & (first == 1)
    unseen = checked & (first == 0)
    at_random = agreed & (labels["drawn_by"] == "random").to_numpy()
    return {
        "seen": [int(first.sum()), int(second.sum())],
        "kappa": measure_kappa(first, second),
        "agreed": [int(agreed.sum()), len(labels)],
        "threshold": THRESHOLDS[artefact],
        "best_threshold_on_choosing_half": choose_threshold(
            scores.to_numpy()[agreed & choosing], first[agreed & choosing]
        ),
        "sensitivity": [int((called & seen).sum()), int(seen.sum())],
        "specificity": [int((~called & unseen).sum()), int(unseen.sum())],
        "heuristic_kappa": measure_kappa(called[checked], first[checked]),
        "seen_at_random": [int(first[at_random].sum()), int(at_random.sum())],
    }


def measure_kappa(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float | None:
    """Cohen's κ (Educ Psychol Meas 20 (1960)); None if both labellings are constant."""
    if len(np.unique(np.concatenate([first, second]))) < 2:
        return None
    return float(cohen_kappa_score(first, second))


def choose_threshold(scores: npt.NDArray[np.float64], seen: npt.NDArray[np.int64]) -> list[float] | None:
    """The two scores between which the threshold of the highest κ lies, the highest of equals; None if none is seen."""
    if not seen.any():
        return None
    steps = np.unique(scores)
    kappas = [measure_kappa(scores >= step, seen) or 0.0 for step in steps]
    best = max(range(len(steps)), key=lambda place: (kappas[place], place))
    return [float(steps[max(best - 1, 0)]), float(steps[best])]
