"""The work of the night, and deleting what an interrupted upload may leave: objects that no row knows."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from classifier import storage
from classifier.models import LesionImage, OverviewImage, Prediction, Status
from classifier.models.prediction import name_heat_map
from skinsite.accounts.services import notices
from skinsite.accounts.signed_in import forget_ended
from skinsite.audit import seals
from skinsite.audit.refusals import sweep_refusals
from skinsite.platform import housekeeping
from skinsite.platform.rate_limits import sweep_counts

log = logging.getLogger(__name__)

# An upload writes its object first and its row at once after; in an hour it has long ended.
SPARED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SweepReport:
    """How many objects were looked at, and how many of them were deleted."""

    found: int
    deleted: int


def housekeep() -> SweepReport:
    """Do what every night wants done: end what has ended, seal the trail, send mail that waits, sweep the storage."""
    housekeeping.clear_sessions()
    forget_ended()
    sweep_counts()
    sweep_refusals()
    notices.send_waiting()
    seals.seal_events(everything=True)
    seals.log_heads()
    housekeeping.gather_statistics()
    return sweep_storage()


def sweep_storage(*, progress: Callable[[list[str]], Iterable[str]] = iter) -> SweepReport:
    """Delete objects that have had no photograph or reading for an hour; ``progress`` wraps the list of names."""
    found = storage.list_stored()
    known: set[str] = set()  # looked up after the list was made, so that no young row is missed
    for photographs in (LesionImage.objects, OverviewImage.objects):
        for image in photographs.only("public_id", "stored_name").iterator():
            known |= {image.stored_name, image.thumbnail_name}
    shown = Prediction.objects.filter(status=Status.DONE).exclude(model_version=None)
    known.update(map(name_heat_map, shown.values_list("public_id", flat=True).iterator()))
    deleted = 0
    for name in progress(sorted(set(found) - known)):
        changed = storage.modified_at(name)
        if changed is None or changed > timezone.now() - SPARED:
            continue
        storage.delete(name)
        log.info("Deleted %s, which no row knows", name)
        deleted += 1
    return SweepReport(found=len(found), deleted=deleted)
