"""The list of readings: searched, filtered, newest first, in the same number of queries however long it is."""

import uuid
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from classifier.models import BodySite, Prediction, Review, Standing
from classifier.models.prediction import PredictionQuerySet
from classifier.selectors.records import readings_of
from skinsite.accounts.actors import Actor
from skinsite.text import fold_line, limit_search
from skinsite.zones import end_of_day, start_of_day

EVERY_STANDING = "all"
SEARCHED = ("image__examination__lesion__patient__code_key", "image__examination__lesion__label_key", "image__name_key")


def history(
    actor: Actor,
    *,
    search: str = "",
    outcome: str = "",
    status: str = "",
    modality: str = "",
    reviewed: bool | None = None,
    model: str = "",
    since: date | None = None,
    until: date | None = None,
    standing: str = Standing.VALID,
) -> QuerySet[Prediction]:
    """Readings of the actor's clinic with image, lesion, patient and model at hand.

    Each has ``is_reviewed`` and ``superseded_by``. ``search`` is of patient code,
    lesion label and site, and file name: all its words, in any case and encoding. ``model`` is a public id; ``since``
    and ``until`` are days of the current time zone, both counted in. Those that do not count are left out unless their
    ``standing``, or every one, is asked for.
    """
    readings = listed_readings(actor)
    if standing != EVERY_STANDING:
        readings = readings.standing(standing)
    conditions = search_condition(search) & _model_condition(model) & _time_condition(since, until)
    for field, value in (("outcome", outcome), ("status", status), ("modality", modality)):
        if value:
            conditions &= Q((field, value))
    if reviewed is not None:
        conditions &= Q(is_reviewed=reviewed)
    return readings.filter(conditions).order_by("-created_at", "-pk")


def listed_readings(actor: Actor) -> PredictionQuerySet:
    """Every reading of the actor's clinic as lists show it: ``readings_of`` with ``is_reviewed`` and who asked."""
    asked = readings_of(actor).select_related("requested_by", "requested_by_service")
    return asked.annotate(is_reviewed=is_reviewed())


def is_reviewed() -> Exists:
    """Whether somebody has given an opinion on a reading, by a subquery rather than a joined count."""
    return Exists(Review.objects.filter(prediction=OuterRef("pk")))


def search_condition(search: str) -> Q:
    """Every word, of the first ten, in one of the fields, or in the site's name as the reader's language has it."""
    conditions = Q()
    for word in fold_line(limit_search(search)).split():
        sites = [code for code, name in BodySite.choices if word in fold_line(str(name))]
        anywhere = Q(image__examination__lesion__body_site__in=sites)
        for field in SEARCHED:
            anywhere |= Q((f"{field}__contains", word))
        conditions &= anywhere
    return conditions


def _model_condition(model: str) -> Q:
    if not model:
        return Q()
    try:
        return Q(model_version__public_id=uuid.UUID(model))
    except ValueError:
        return Q(pk=None)


def _time_condition(since: date | None, until: date | None) -> Q:
    conditions = Q()
    if since is not None:
        conditions &= Q(created_at__gte=start_of_day(since))
    if until is not None:
        conditions &= Q(created_at__lt=end_of_day(until))
    return conditions
