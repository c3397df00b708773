"""Input and output of the error report."""

from dataclasses import dataclass
from pathlib import Path

from ml.bundle.folder import DEFAULT_BUNDLE
from ml.data.split import CALIBRATION_FOLD
from ml.pipelines.study.plan import DEFAULT_PLAN
from ml.pipelines.study.results import DEFAULT_RESULTS

PUBLISHED = DEFAULT_RESULTS / "errors"


@dataclass(frozen=True, slots=True)
class Sources:
    """Input and output of the error report.

    ``run``: the study folder of the model; None: ``bundle`` on ``fold``. ``weights``: of the frozen features of
    ``probe``, which doubt labels as well; None: they do not. ``features`` and ``cache`` store those features and the
    images' measures. ``publish``: into the project's own documents, if the data are the project's.
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
