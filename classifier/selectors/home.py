"""What needs attention, for whoever signs in."""

from dataclasses import dataclass

from django.db.models import Count, Q

from classifier.models import Modality, Outcome, Prediction, Status
from classifier.models.prediction import WAITING
from classifier.selectors.history import history
from skinsite.accounts.actors import Actor
from skinsite.paging import fetch_in_order


@dataclass(slots=True)
class HomeCounts:
    """Readings of the clinic that want attention; photographs entered in error do not count.

    ``waiting`` are queued or running, ``failed`` have no later reading, ``to_review`` are done without any opinion, and
    ``suspicious_to_review`` are those of them that are suspicious, ``not_assessed_to_review`` those that are not
    assessable though filed as dermoscopic.
    """

    waiting: int
    failed: int
    to_review: int
    suspicious_to_review: int
    not_assessed_to_review: int


def home_counts(actor: Actor) -> HomeCounts:
    """Count them, in one query that looks at each reading once."""
    unanswered = Q(status=Status.FAILED) | Q(status=Status.DONE, is_reviewed=False)
    wanting = Q(status__in=WAITING) | unanswered
    kinds = history(actor).order_by().filter(wanting).values_list("status", "outcome", "modality")
    counts = HomeCounts(waiting=0, failed=0, to_review=0, suspicious_to_review=0, not_assessed_to_review=0)
    for status, outcome, modality, count in kinds.annotate(count=Count("pk")):
        if status in WAITING:
            counts.waiting += count
        elif status == Status.FAILED:
            counts.failed += count
        else:
            counts.to_review += count
            counts.suspicious_to_review += count * (outcome == Outcome.SUSPICIOUS)
            is_not_assessed = outcome == Outcome.NOT_ASSESSABLE and modality == Modality.DERMOSCOPIC
            counts.not_assessed_to_review += count * is_not_assessed
    return counts


def latest_readings(actor: Actor, *, count: int = 10) -> list[Prediction]:
    """The clinic's newest readings."""
    readings = history(actor)
    return fetch_in_order(readings, list(readings.values_list("pk", flat=True)[:count]))
