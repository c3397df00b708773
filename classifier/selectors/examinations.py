"""Examinations of a lesion over time, what each one's photographs gave, and what of it is the lesion's outcome."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch, QuerySet

from classifier.models import Examination, Lesion, LesionImage, LesionReading, Patient, Prediction
from classifier.models.lesion_reading import SEVERITY, find_severity

UNRANKED = len(SEVERITY) - 1
UNSHOWN = ("logits", "balanced_scores", "similar_cases", "milliseconds", "signature", "model_version__manifest")


@dataclass(frozen=True, slots=True)
class LesionRow:
    """A lesion with its outcome: ``shown`` is the examination that gives it, else the newest, with its photographs;
    None for a lesion without photographs. ``last`` is the day of the newest, ``waits`` whether it has no reading,
    ``count`` of how many."""

    lesion: Lesion
    shown: Examination | None
    last: date | None
    waits: bool
    count: int

    @property
    def reading(self) -> LesionReading | None:
        """The reading that is the lesion's outcome, once there is one."""
        return self.shown.reading if self.shown else None

    @property
    def is_older(self) -> bool:
        """Whether it is not of the newest examination."""
        return self.shown is not None and self.shown.taken_on != self.last


def examinations_over_time(lesion: Lesion) -> QuerySet[Examination]:
    """A lesion's examinations with their readings in force, newest first by the day on which they were taken."""
    return _with_reading(Examination.objects.filter(lesion=lesion).over_time())


def with_photographs(examinations: QuerySet[Examination]) -> QuerySet[Examination]:
    """With every photograph, in the order taken, and its readings, newest first. Two queries more."""
    readings = Prediction.objects.select_related("model_version").defer(*UNSHOWN).order_by("-created_at", "-pk")
    photographs = LesionImage.objects.select_related("examination__lesion__patient")
    ordered = photographs.order_by("taken_on", "taken_time", "pk").prefetch_related(Prefetch("predictions", readings))
    return examinations.prefetch_related(Prefetch("images", ordered))


def choose_outcome(examinations: Iterable[Examination]) -> Examination | None:
    """The examination whose reading is a lesion's outcome, of those of one lesion; None if none has been read.

    It is the most severe of the latest assessable one and of every one that is open, the newest of equals; without one
    that could be assessed, the newest. Until an examination can be ended, every one is open, so that a *suspicious* one
    is never hidden by a later one.
    """
    read = [(each.reading.severity, each.taken_on, each.pk, each) for each in examinations if each.reading]
    return max(read, default=(None,))[-1]


def find_worse(examinations: Iterable[Examination], *, than: LesionReading | Prediction) -> Examination | None:
    """The examination that is the outcome of these; None if it is not more severe than what is shown."""
    worst = choose_outcome(examinations)
    severity = worst.reading.severity if worst is not None and worst.reading is not None else -1
    return worst if severity > find_severity(than.outcome) else None


def lesions_by_severity(patient: Patient) -> list[LesionRow]:
    """A patient's lesions, the most severe first, then by malignant sum and day.

    What could not be assessed, and what is still to be read, comes before *low risk*: somebody must look at it. Four
    queries, however many lesions there are.
    """
    lesions = list(patient.lesions.filter(merged_into=None).order_by("number"))
    found = Examination.objects.filter(lesion__patient=patient).over_time().select_related("reading")
    by_lesion: dict[int, list[Examination]] = {}
    for each in found:
        by_lesion.setdefault(each.lesion_id, []).append(each)
    shown = [choose_outcome(examinations) or examinations[0] for examinations in by_lesion.values()]
    chosen = with_photographs(_with_reading(Examination.objects.filter(pk__in=[each.pk for each in shown]).over_time()))
    at_hand = {each.lesion_id: each for each in chosen}
    return sorted((_row(lesion, by_lesion.get(lesion.pk, []), at_hand) for lesion in lesions), key=_order)


def _with_reading(examinations: QuerySet[Examination]) -> QuerySet[Examination]:
    related = examinations.select_related("reading__model_version", "lesion__patient", "visit__patient")
    return related.defer("reading__model_version__manifest")


def _row(lesion: Lesion, examinations: list[Examination], at_hand: dict[int, Examination]) -> LesionRow:
    newest = examinations[0] if examinations else None
    return LesionRow(
        lesion=lesion,
        shown=at_hand.get(lesion.pk),
        last=newest.taken_on if newest else None,
        waits=newest is not None and newest.reading is None,
        count=len(examinations),
    )


def _order(row: LesionRow) -> tuple[int, float, int, int]:
    """Where a lesion stands in the list."""
    if row.shown is None or row.last is None:
        return (len(SEVERITY) + 1, 0, 0, row.lesion.number)
    sum_of_all = row.reading.malignant_probability if row.reading else None
    place = min(_place(row.reading), UNRANKED) if row.waits else _place(row.reading)
    return (place, -(sum_of_all or 0), -row.last.toordinal(), row.lesion.number)


def _place(reading: LesionReading | None) -> int:
    """From 0 for *suspicious* on; without a rank just before *low risk*."""
    severity = reading.severity if reading else -1
    if severity < 0:
        return UNRANKED
    return len(SEVERITY) if severity == 0 else len(SEVERITY) - 1 - severity
