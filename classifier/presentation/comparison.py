"""Readings of one photograph by several models, side by side, and what changed from one to the next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from django.utils.translation import gettext as _

from classifier.models import Prediction
from classifier.presentation import wording
from classifier.presentation.figures import Bars, bars_of


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that two readings say differently."""

    name: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class ComparedReading:
    """A reading, its bars, the reading before it, and what changed since; the first one has none before."""

    prediction: Prediction
    bars: Bars | None
    before: Prediction | None
    changes: tuple[Change, ...]


def compare(readings: Sequence[Prediction]) -> list[ComparedReading]:
    """Set each of a photograph's readings, newest first, against the one before it."""
    return [
        ComparedReading(newer, bars_of(newer), older, () if older is None else tuple(_changes(newer, older)))
        for newer, older in zip_longest(readings, readings[1:])
    ]


def _changes(newer: Prediction, older: Prediction) -> Iterator[Change]:
    """What differs as it is written: outcome, limits, malignant sum, then the diagnoses in the bars' order."""
    both = zip(_statements(older), _statements(newer), strict=False)  # where one tells no numbers, the outcome alone
    for (name, before), (_name, now) in both:
        if before != now:
            yield Change(name, before, now)


def _statements(prediction: Prediction) -> Iterator[tuple[str, str]]:
    """What a reading says, by name, always in the same order."""
    yield _("Outcome"), wording.outcome_text(prediction.outcome)
    bars = bars_of(prediction)
    if bars is None:
        return
    yield _("Suspicious from"), bars.suspicious_from.text
    yield _("Low risk below"), bars.low_risk_below.text
    yield _("Melanoma's own limit"), bars.melanoma_limit.text if bars.melanoma_limit else _("none")
    yield _("Malignant sum"), bars.total.text
    for bar in (*bars.malignant, *bars.other):
        yield bar.name, bar.text
