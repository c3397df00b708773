"""How pages write shares, times and outcomes."""

from dataclasses import asdict
from datetime import datetime, timedelta

from django import template
from django.http import QueryDict
from django.template import Context
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from classifier.models import LesionImage, LesionReading, Prediction
from classifier.models.photograph import TakenPrecision, TakenSource
from classifier.presentation import examination, figures, lesion_wording, thumbnails, verdict, wording
from skinsite.zones import write_moment

register = template.Library()

register.filter("bars", figures.bars_of)
register.filter("class_name", wording.class_name)
register.filter("declared_text", wording.declared_text)
register.filter("flag_text", wording.flag_text)
register.filter("lead_of", examination.lead_of)
register.filter("lesion_name", lesion_wording.lesion_name)
register.filter("lesion_text", figures.lesion_text)
register.filter("lesion_title", wording.lesion_title)
register.filter("sex_and_age", wording.sex_and_age)
register.filter("status_text", figures.status_text)
register.filter("thumbnail_address", thumbnails.thumbnail_address)
register.filter("verdict_kind", verdict.verdict_kind)
register.filter("waiting_text", wording.waiting_text)


@register.filter
def percent(share: object) -> str:
    """Write a share in whole per cent; nothing for none, nor for what a template could not find."""
    return figures.percent(share) if isinstance(share, int | float) else ""


@register.filter
def limit_percent(share: object) -> str:
    """Write a limit in whole per cent, a small one with its decimals; nothing for none."""
    return figures.limit_percent(share) if isinstance(share, int | float) else ""


@register.simple_tag(takes_context=True)
def filter_query(context: Context, name: str, value: str | None = None) -> str:
    """The address of the list with one filter set, or taken away, from its first page on."""
    query: QueryDict = context["request"].GET.copy()
    query.pop("page", None)
    query.pop(name, None)
    if value is not None:
        query[name] = value
    return f"?{query.urlencode()}"


@register.inclusion_tag("classifier/includes/outcome.html")
def outcome(prediction: Prediction | LesionReading | None) -> dict[str, str]:
    """Give an outcome its colour, shape and word; before there is one, say how far the reading is."""
    return asdict(verdict.verdict_of(prediction))


@register.filter
def taken(image: LesionImage) -> str:
    """Write when a photograph was taken, as exactly as it is known; where nobody says, when it was uploaded."""
    formats = {TakenPrecision.YEAR.value: "Y", TakenPrecision.MONTH.value: "YEAR_MONTH_FORMAT"}
    day = date_format(image.taken_on, formats.get(image.taken_precision, "DATE_FORMAT"))
    if image.taken_source == TakenSource.UPLOAD_DAY:
        return _("uploaded %(day)s") % {"day": day}
    return _("taken %(day)s") % {"day": day}


@register.filter
def when(moment: datetime | None) -> SafeString | str:
    """Write a time relative to now within a day, as a date after; the full time is in the element's title."""
    return _write_time(moment, "DATE_FORMAT") if moment else ""


@register.filter
def when_exactly(moment: datetime | None) -> SafeString | str:
    """Write a time as ``when`` does, but after a day as date and time with their zone."""
    return _write_time(moment, "DATETIME_FORMAT", zone=True) if moment else ""


@register.filter
def to_the_second(moment: datetime | None) -> str:
    """Write a time in full, for what produced a reading; a dash for none."""
    return write_moment(moment, seconds=True) if moment else "–"


def _write_time(moment: datetime, late_format: str, *, zone: bool = False) -> SafeString:
    local = timezone.localtime(moment)
    late = write_moment(moment) if zone else date_format(local, late_format)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        write_moment(moment),
        _relative(timezone.now() - moment) or late,
    )


def _relative(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:  # noqa: PLR2004 minutes of an hour
        return ngettext("%(count)d min ago", "%(count)d min ago", minutes) % {"count": minutes}
    hours = minutes // 60
    if hours < 24:  # noqa: PLR2004 hours of a day
        return ngettext("%(count)d hour ago", "%(count)d hours ago", hours) % {"count": hours}
    return ""
