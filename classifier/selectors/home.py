"""Needs attention for whoever signs in."""

from dataclasses import dataclass

from django.db.models import Count, Q

from classifier.models import Modality, Outcome, Prediction, Status
from classifier.selectors.history import history
from skinsite.accounts.models import Membership


@dataclass(frozen=True, slots=True)
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


def home_counts(actor: Membership) -> HomeCounts:
    """Count them, in one query."""
    unreviewed = Q(status=Status.DONE, is_reviewed=False)
    counts = history(actor).aggregate(
        waiting=Count("pk", filter=Q(status__in=[Status.QUEUED, Status.RUNNING])),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        to_review=Count("pk", filter=unreviewed),
        suspicious_to_review=Count("pk", filter=unreviewed & Q(outcome=Outcome.SUSPICIOUS)),
        not_assessed_to_review=Count(
            "pk", filter=unreviewed & Q(outcome=Outcome.NOT_ASSESSABLE, modality=Modality.DERMOSCOPIC)
        ),
    )
    return HomeCounts(**counts)


def latest_readings(actor: Membership, *, count: int = 10) -> list[Prediction]:
    """The clinic's newest readings."""
    return list(history(actor)[:count])
