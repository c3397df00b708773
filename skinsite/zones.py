"""Time zones: in which one a day is counted and an hour told."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

NAME_LENGTH = 64
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
# What some systems have among the names, and none means a place.
NO_PLACES = ("posix/", "right/", "SystemV/", "localtime", "Factory", "posixrules")


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """The names of IANA's time zones, as this machine knows them, in order."""
    return tuple(sorted(name for name in available_timezones() if not name.startswith(NO_PLACES)))


def find_zone_name(name: str) -> str | None:
    """Give a zone's name as IANA writes it, however it was typed; None for one that there is not."""
    typed = name.strip().replace(" ", "_").casefold()
    return next((known for known in zone_names() if known.casefold() == typed), None)


def check_zone_name(name: str) -> None:
    """Refuse what is no zone's name; empty stands for the one that is set elsewhere."""
    if name and name not in zone_names():
        text = _("“%(name)s” is no time zone. Choose one from the list, such as Europe/Berlin.")
        raise ValidationError(text % {"name": name[:NAME_LENGTH]}, code="unknown_zone")


def zone_named(*names: str) -> ZoneInfo:
    """The first of the zones that is given and known here, else DEFAULT_TIME_ZONE, else UTC."""
    for name in (*names, settings.DEFAULT_TIME_ZONE):
        try:
            if name:
                return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):  # of a machine that knew more, or a setting with a typing error
            continue
    return ZoneInfo("UTC")


def start_of_day(day: date) -> datetime:
    """The first instant of a day in the current time zone, in UTC.

    Where clocks go forward at midnight, that is one o'clock; at the calendar's ends, the calendar's end.
    """
    try:
        return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)
    except OverflowError:
        return _EARLIEST if day.year == date.min.year else _LATEST


def end_of_day(day: date) -> datetime:
    """The first instant after a day in the current time zone, in UTC."""
    return _LATEST if day == date.max else start_of_day(day + timedelta(days=1))


def offset_text(moment: datetime) -> str:
    """How far the clock of a moment is from UTC: UTC, UTC+3, UTC−3:30."""
    minutes = round((moment.utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" + ("" if not minutes else f"{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02}" if rest else ""))


def write_moment(moment: datetime, *, seconds: bool = False) -> str:
    """A moment in the current time zone, with the zone: 4 Nov 2025, 21:52 UTC+3."""
    local = timezone.localtime(moment)
    written = date_format(local, "DATETIME_FORMAT") + (f"{local:%S}".rjust(3, ":") if seconds else "")
    return f"{written} {offset_text(local)}"
