"""Whether the stored photographs are still those that were kept: after a restore, or when one was found altered."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from classifier import audit, storage
from classifier.models import LesionImage

Progress = Callable[[Iterable[LesionImage], int], Iterable[LesionImage]]
"""Gives the photographs back one by one and shows how far it is, of so many."""


@dataclass(slots=True)
class PhotographReport:
    """How many were looked at, and the public ids of those that are altered or gone."""

    checked: int = 0
    altered: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether every photograph is there as it was kept."""
        return not (self.altered or self.gone)


def check_photographs(*, progress: Progress) -> PhotographReport:
    """Compare every stored photograph with its hash; one that is altered leaves an event. Nothing is mended.

    Raises ``StorageUnavailableError``.
    """
    report = PhotographReport()
    every = LesionImage.objects.select_related("examination__lesion__patient__clinic").order_by("pk")
    for image in progress(every.iterator(chunk_size=200), every.count()):
        report.checked += 1
        try:
            storage.read_checked(image)
        except FileNotFoundError:
            report.gone.append(str(image.public_id))
        except storage.DamagedPhotographError:
            report.altered.append(str(image.public_id))
            audit.image_found_altered(actor=None, about=image, clinic=image.lesion.patient.clinic)
    return report
