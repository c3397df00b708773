"""Photographs of lesions, and the corrections made to where they belong."""

import uuid
from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.lesion import Lesion
from classifier.models.search_keys import FoldedField
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

REASON_LENGTH = 500
NAME_LENGTH = 120
THUMBNAILS = "thumbnails"


class Modality(models.TextChoices):
    """How a photograph was taken."""

    DERMOSCOPIC = "dermoscopic", _("Dermoscopic")
    CLINICAL = "clinical", _("Clinical")


class Declared(models.TextChoices):
    """What may be declared of a lesion that a network has perhaps not learnt; the bundle's manifest says whether."""

    NAIL = "nail", _("On a nail")
    MUCOSA = "mucosa", _("On mucosa")
    EYELID = "eyelid", _("On an eyelid")
    ULCER = "ulcer", _("Ulcerated")
    TATTOO = "tattoo", _("In a tattoo")


DECLARED_LENGTH = 80


def join_declared(codes: Collection[str]) -> str:
    """Write what was declared as it is kept: codes in the order of ``Declared``, each once, with commas between."""
    return ",".join(code for code in Declared.values if code in codes)


def split_declared(kept: str) -> list[str]:
    """Read the codes of what was declared from how they are kept."""
    return kept.split(",") if kept else []


def name_thumbnail(public_id: uuid.UUID) -> str:
    """Give the storage name of the thumbnail of the photograph of this id."""
    return f"{THUMBNAILS}/{public_id}.jpg"


class LesionImageQuerySet(models.QuerySet["LesionImage"]):
    """Photographs, by who may see them and whether they still count."""

    def visible_to(self, actor: Actor) -> Self:
        """Photographs of the lesions of the actor's clinic."""
        return self.filter(lesion__patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()

    def sent_by(self, actor: Actor) -> Self:
        """Photographs that came under the actor's name, into the actor's clinic."""
        return self.visible_to(actor).filter(uploaded_by=actor.user_id, uploaded_by_service=actor.service)

    def in_use(self) -> Self:
        """Photographs that nobody has marked as entered in error."""
        return self.filter(entered_in_error_at=None)


class LesionImage(models.Model):
    """A photograph. Its bytes lie in the private storage under its UUID, rebuilt from pixels, with no metadata left.

    ``upload_sha256`` is of the bytes as they came (they are not kept), ``stored_sha256`` of those that every reading is
    computed from. ``original_name`` is data for people, never a path. ``declared`` is of the lesion when it was
    photographed (an ulcer heals), as ``join_declared`` writes it.
    """

    audit_subject = "lesion__patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, related_name="images")
    modality = models.CharField(_("modality"), max_length=20, choices=Modality, default=Modality.DERMOSCOPIC)
    declared = models.CharField(
        _("special site or state"), max_length=DECLARED_LENGTH, blank=True, default="", db_default=""
    )
    original_name = models.CharField(_("file name"), max_length=NAME_LENGTH, blank=True)
    name_key = FoldedField(source="original_name", max_length=3 * NAME_LENGTH)
    upload_sha256 = models.CharField(max_length=64, editable=False, db_index=True)
    stored_sha256 = models.CharField(max_length=64, editable=False)
    stored_name = models.CharField(max_length=80, unique=True, editable=False)
    stored_bytes = models.PositiveIntegerField(editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    notes = models.JSONField(_("conversions"), default=list, blank=True, editable=False)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now, editable=False, db_index=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    uploaded_by_service = models.ForeignKey(
        "accounts.ServiceAccount", null=True, on_delete=models.PROTECT, related_name="+"
    )
    entered_in_error_at = models.DateTimeField(_("entered in error"), null=True, blank=True, editable=False)

    thumbnail_mark = ""  # of one that a page has named: see `classifier.presentation.thumbnails`

    objects = LesionImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("photograph")
        verbose_name_plural = _("photographs")
        constraints = [
            models.UniqueConstraint(
                fields=["lesion", "upload_sha256"],
                condition=models.Q(entered_in_error_at=None),
                name="image_bytes_once_per_lesion",
            ),
            models.CheckConstraint(condition=models.Q(modality__in=Modality.values), name="image_modality_known"),
            models.CheckConstraint(
                condition=models.Q(width__gt=0, height__gt=0, stored_bytes__gt=0), name="image_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.original_name or str(self.public_id)

    @property
    def thumbnail_name(self) -> str:
        """The storage name of the thumbnail."""
        return name_thumbnail(self.public_id)

    @property
    def declared_codes(self) -> list[str]:
        """What was declared, as codes of ``Declared``."""
        return split_declared(self.declared)


class CorrectionKind(models.TextChoices):
    """What was put right."""

    MOVED = "moved", _("Moved to another lesion")
    MODALITY = "modality", _("Modality corrected")
    DECLARED = "declared", _("Special site or state corrected")
    ENTERED_IN_ERROR = "entered_in_error", _("Marked as entered in error")


# What a photograph that was marked as entered in error was before, and is since.
IN_USE, ENTERED_IN_ERROR = "in_use", "entered_in_error"


class ImageCorrection(models.Model):
    """What was put right about a photograph, by whom and why. Append-only; readings made before stay as they are."""

    audit_subject = "image__lesion__patient"
    image = models.ForeignKey(LesionImage, on_delete=models.CASCADE, related_name="corrections")
    kind = models.CharField(_("correction"), max_length=20, choices=CorrectionKind)
    before = models.CharField(_("before"), max_length=80)
    after = models.CharField(_("after"), max_length=80)
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    made_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["made_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=CorrectionKind.values), name="correction_kind_known"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="correction_reason_given"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
