"""When a photograph was taken: as somebody says, else as its file says where that can be, else when it came."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier.models import LesionImage, Patient, TakenSource, Visit
from classifier.services.codes import CodeWarning
from classifier.services.visits import check_day

IGNORED = "taken_on_ignored"
"""The note on a photograph whose file tells a day that cannot be."""
DOUBTFUL, MIRRORED = "taken_on_doubtful", "mirrored"
FACTORY_YEARS = (1970, 1980, 1990, 2000, 2005, 2010, 2015)
MOST_DAYS_APART = 30


@dataclass(frozen=True, slots=True)
class Taken:
    """When a photograph was taken, who says so, the day of its visit, and whether its file's day was not believed."""

    day: date
    source: TakenSource
    visit_day: date
    clock: time | None = None
    is_ignored: bool = False


def find_taken(*, said: date | None, by_file: datetime | None, patient: Patient) -> Taken:
    """Find when it was taken. A camera's clock may be a day ahead of the clinic; its factory day says nothing of the
    visit.

    Raises ``ValidationError`` at ``taken_on`` for a day that is said and cannot be.
    """
    today = timezone.localdate(timezone=patient.clinic.zone)
    if said is not None:
        check_day(said, patient=patient, field="taken_on")
        return Taken(said, TakenSource.TYPED, said)
    if by_file is None:
        return Taken(today, TakenSource.UPLOAD_DAY, today)
    day, born = by_file.date(), patient.birth_year
    if day > today + timedelta(days=1) or (born is not None and day.year < born):
        return Taken(today, TakenSource.UPLOAD_DAY, today, is_ignored=True)
    visit_day = today if is_factory_day(day) else min(day, today)
    return Taken(day, TakenSource.FILE, visit_day, by_file.time())


def is_factory_day(day: date) -> bool:
    """Whether a camera that was never set, or lost its battery, begins to count on this day."""
    return (day.month, day.day) == (1, 1) and day.year in FACTORY_YEARS


def warn_of_taken(taken: Taken, *, visit: Visit, is_named: bool, is_mirrored: bool) -> list[CodeWarning]:
    """What a person should look at: a doubtful day, and a photograph that is perhaps a mirror image.

    Of a visit that ``is_named`` the days of its other photographs are compared; any other is of the day itself.
    """
    warnings = []
    if is_factory_day(taken.day):
        text = _("The day on which it was taken, %(day)s, is one on which cameras begin to count: is it right?")
        warnings.append(CodeWarning(DOUBTFUL, text % {"day": taken.day.isoformat()}))
    elif is_named and _is_far_from_others(taken.day, visit):
        text = _("It was taken on %(day)s, more than %(days)s days from the visit's other photographs: is that right?")
        warnings.append(CodeWarning(DOUBTFUL, text % {"day": taken.day.isoformat(), "days": MOST_DAYS_APART}))
    if is_mirrored:
        text = _("The file says that the photograph is a mirror image. It has been turned back: check left and right.")
        warnings.append(CodeWarning(MIRRORED, text))
    return warnings


def _is_far_from_others(day: date, visit: Visit) -> bool:
    others = LesionImage.objects.in_use().filter(examination__visit=visit)
    ends = others.aggregate(first=Min("taken_on"), last=Max("taken_on"))
    first, last = ends["first"] or visit.day, ends["last"] or visit.day
    return max(abs(day - first), abs(day - last)) > timedelta(days=MOST_DAYS_APART)
