"""Fit of a bundle's quality rules: flags, blank frames, missing colour, alterations."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.bundle.manifest import AlteredRule, QualityRule, QualityRules
from ml.data.isic import Record
from ml.evaluation.fit.out_of_distribution import fit_softmax
from ml.evaluation.manipulations import draw_manipulation
from ml.evaluation.observe import Observer, from_changed, from_file, simulate
from ml.metrics.estimate import DIGITS
from ml.serve import appearance
from ml.serve.quality import expand

FloatArray = npt.NDArray[np.float64]
Measures = Sequence[dict[str, float]]
QUALITY_SAMPLE, ALTERED_SAMPLE = 1000, 1500
SIMULATED = 3
"""Every how many altered photographs one is also shown as by another dermatoscope, which must stay readable."""

FIRST_SHIFT = 2_000_000
REFUSED_AS_ALTERED = 0.3
"""In per cent."""

ALTERED_RIDGE = 1e-4
COLOUR_MARGIN = 0.9
"""Share of the least measured colour."""

PICTURE_FLAGS = (
    ("blurred", "sharpness", "below", 0.0),
    ("dark", "bright", "below", 0.0),
    ("overexposed", "bright", "above", 0.0),
    ("low_contrast", "contrast", "below", 0.0),
    ("small", "short_side", "below", 0.0),
)
LESION_FLAGS = (
    ("lesion_cut_off", "lesion_at_edge", "above", 2.0),
    ("hair", "hair", "above", 2.0),
)
"""Flag, measure, side, and the percentage of photographs that should raise the flag."""


def fit_picture_quality(records: Sequence[Record], observer: Observer) -> QualityRules:
    """Fit the limits of image measures on photographs, each used once.

    Flags lie beyond all of them, since half of the outermost 0.5 % look well. Blank is a tenth of the least spread,
    without colour nine tenths of the least colour. If there are enough photographs, alterations are learnt on others
    than those that set the limit.
    """
    sampled = np.unique(np.linspace(0, len(records) - 1, QUALITY_SAMPLE).astype(int))
    others = np.setdiff1d(np.arange(len(records)), sampled)
    drawn = np.random.default_rng(0).permutation(others if len(others) >= len(sampled) else sampled)[:ALTERED_SAMPLE]
    paths = [records[index].path for index in sampled]
    measures = observer.measure([from_file(path) for path in paths], "quality")
    altered = fit_altered([records[index] for index in drawn], measures, observer)
    return QualityRules(
        flags=fit_flags(PICTURE_FLAGS, measures),
        blank_below=round(min(each["spread"] for each in measures) / 10, 1),
        colour_from=round(COLOUR_MARGIN * min(each[appearance.COLOUR] for each in measures), 2),
        altered=altered,
        how=f"limits of the picture's own measures set on {len(measures)} photographs of folds 0 to 3; a blank frame "
        "has less than a tenth of the least spread of luminance among them, a photograph without colour less than "
        f"{COLOUR_MARGIN:.0%} of the least colour; what is altered was learnt on {len(drawn)} others of these folds",
    )


def fit_altered(records: Sequence[Record], unseen: Measures, observer: Observer) -> AlteredRule:
    """Logistic regression of photographs against themselves, each altered in one random way with a fixed seed.

    Every third is also shown as by another dermatoscope, which counts as unaltered. The limit is set on ``unseen``.
    """
    paths = [record.path for record in records]
    plain = observer.measure([from_file(path) for path in paths], "altered: plain")
    shown = observer.measure(
        [simulate(path, FIRST_SHIFT + number) for number, path in enumerate(paths[::SIMULATED])], "altered: simulated"
    )
    altered = observer.measure(
        [from_changed(path, draw_manipulation(np.random.default_rng(number))) for number, path in enumerate(paths)],
        "altered: altered",
    )
    names = tuple(sorted(appearance.NAMES))
    real, changed, others = (_tabulate(each, names) for each in ((*plain, *shown), altered, unseen))
    centre, deviation = real.mean(axis=0), np.maximum(real.std(axis=0), np.finfo(np.float32).tiny)
    features = expand(np.concatenate((real, changed)), centre, deviation)
    labels = np.repeat((0, 1), (len(real), len(changed)))
    fitted = fit_softmax(features, labels, ALTERED_RIDGE)
    weights = np.round(fitted[1, 1:] - fitted[0, 1:], DIGITS)
    centre, deviation = np.round(centre, DIGITS), np.maximum(np.round(deviation, DIGITS), 10.0**-DIGITS)
    score = expand(others, centre, deviation) @ weights
    above = round(float(np.percentile(score, 100 - REFUSED_AS_ALTERED)), DIGITS)
    return AlteredRule(
        measures=names,
        centre=tuple(map(float, centre)),
        deviation=tuple(map(float, deviation)),
        weights=tuple(map(float, weights)),
        above=above,
        share=round(float((score > above).mean()), DIGITS),
    )


def fit_flags(wanted: Sequence[tuple[str, str, str, float]], measures: Measures) -> tuple[QualityRule, ...]:
    """Rules at percentiles of the measured values, with the share that each flags."""
    rules = []
    for name, measured, side, percent in wanted:
        values = np.array([each[measured] for each in measures])
        limit = round(float(np.percentile(values, percent if side == "below" else 100 - percent)), DIGITS)
        flagged = values < limit if side == "below" else values > limit
        rules.append(
            QualityRule(
                name=name,
                measure=measured,
                below=limit if side == "below" else None,
                above=limit if side == "above" else None,
                share=round(float(flagged.mean()), DIGITS),
            )
        )
    return tuple(rules)


def _tabulate(measures: Measures, names: Sequence[str]) -> FloatArray:
    return np.array([[each[name] for name in names] for each in measures])
