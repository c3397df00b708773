"""What the photographs of a clinic take up."""

from dataclasses import dataclass

from django.db.models import Sum

from classifier.models import LesionImage
from skinsite.accounts.actors import Actor


@dataclass(frozen=True, slots=True)
class StorageUse:
    """Bytes that the photographs of a clinic take up, and may take up: 0 without a limit.

    Those entered in error count too, since they are kept; thumbnails and heat-maps, a few per cent, do not.
    """

    used: int
    limit: int

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more are within the limit."""
        return not self.limit or self.used + size <= self.limit


def storage_use(actor: Actor) -> StorageUse:
    """How the actor's clinic stands with its limit."""
    total = LesionImage.objects.visible_to(actor).aggregate(total=Sum("stored_bytes"))["total"]
    return StorageUse(total or 0, actor.clinic.storage_bytes)
