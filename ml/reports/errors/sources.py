"""What the error report is made of and where it goes."""

from dataclasses import dataclass
from pathlib import Path

from ml.bundle.folder import DEFAULT_BUNDLE
from ml.data.split import CALIBRATION_FOLD
from ml.pipelines.study.plan import DEFAULT_PLAN
from ml.pipelines.study.results import DEFAULT_RESULTS

PUBLISHED = DEFAULT_RESULTS / "errors"


@dataclass(frozen=True, slots=True)
class Sources:
    """What the report is made of and where it goes.

    ``run``: the study folder of the model; none: ``bundle`` on ``fold``. ``weights``: of the frozen features of
    ``probe`` that doubt labels too; none: they do not. ``features`` and ``cache`` keep those features, and measures of
    pictures, for the next time. ``publish``: into the project's own documents, where the data are theirs.
    """

    data: Path
    run: Path | None = None
    bundle: Path = DEFAULT_BUNDLE
    fold: str = CALIBRATION_FOLD
    weights: Path | None = None
    probe: Path = DEFAULT_PLAN.parent / "probe_logistic_lite0.yaml"
    features: Path = Path("runs/study/cache")
    cache: Path = Path("runs/eda/cache")
    results: Path = DEFAULT_RESULTS
    plan: Path = DEFAULT_PLAN
    out: Path = Path("runs/errors")
    publish: bool = False
