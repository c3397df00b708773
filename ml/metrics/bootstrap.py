"""Bootstrap intervals by resampling lesions, not images, since images of one lesion are not independent."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ml.metrics.estimate import OVER_LESIONS, Estimate

FloatArray = npt.NDArray[np.float64]
Measure = Callable[[FloatArray], dict[str, FloatArray]]

RESAMPLES = 2000
ROWS_AT_ONCE = 200
SEED = 2018


def estimate(
    measure: Measure, groups: Sequence[str], *, of: Mapping[str, int] | None = None, how: str = OVER_LESIONS
) -> dict[str, Estimate]:
    """Every scalar metric of ``measure`` (weights (B, N) → (B,)) with its interval over ``groups`` (N,).

    ``of``: number of photographs of each metric, if not N. ``how`` names the method and the groups.
    """
    values, found = measure(np.ones((1, len(groups)))), intervals(measure, groups)
    counts = of or {}
    return {
        name: Estimate.of(row[0], found[name], n=counts.get(name, len(groups)), how=how) for name, row in values.items()
    }


def estimate_mean(values: FloatArray, groups: Sequence[str], *, how: str = OVER_LESIONS) -> Estimate:
    """The mean of ``values`` (N,) with its interval over ``groups`` (N,)."""

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        return {"mean": (weights @ values) / weights.sum(axis=1)}

    return estimate(measure, groups, how=how)["mean"]


def intervals(
    measure: Measure, groups: Sequence[str], *, resamples: int = RESAMPLES, level: float = 0.95
) -> dict[str, FloatArray]:
    """Percentile intervals of every metric of ``measure`` (weights (B, N) → (B, …)): low and high, (2, …).

    ``groups`` (N) names each image's lesion; whole lesions are drawn with replacement.
    """
    return {name: percentiles(values, level) for name, values in resample(measure, groups, resamples=resamples).items()}


def resample(measure: Measure, groups: Sequence[str], *, resamples: int = RESAMPLES) -> dict[str, FloatArray]:
    """Every metric of ``measure`` on each resample, (resamples, …): the same ``groups`` give the same resamples."""
    rows: dict[str, list[FloatArray]] = {}
    for weights in draw_weights(groups, resamples):
        for name, values in measure(weights).items():
            rows.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in rows.items()}


def draw_weights(groups: Sequence[str], resamples: int) -> Iterator[FloatArray]:
    """Yield blocks of weights (up to 200, N): how often each image's lesion was drawn; the seed is fixed."""
    _, lesion_of = np.unique(np.asarray(groups), return_inverse=True)
    count = int(lesion_of.max()) + 1
    generator = np.random.default_rng(SEED)
    for start in range(0, resamples, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, resamples - start)
        drawn = generator.multinomial(count, np.full(count, 1 / count), size=rows)
        yield drawn[:, lesion_of].astype(np.float64)


def percentiles(values: FloatArray, level: float = 0.95) -> FloatArray:
    """Low and high along the first axis, without resamples that do not define the metric; NaN if none does."""
    defined = ~np.isnan(values).all(axis=0)
    tails = (50 * (1 - level), 50 * (1 + level))
    result = np.full((2, *values.shape[1:]), np.nan)
    result[:, defined] = np.nanpercentile(values[:, defined], tails, axis=0)
    return result
