"""Photographs of lesions, and the corrections made to where they belong."""

from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.examination import Examination
from classifier.models.lesion import Lesion
from classifier.models.photograph import Photograph
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import ApiToken
from skinsite.accounts.policies import may_see_records

REASON_LENGTH = 500
DEVICE_LENGTH = 80


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


class Polarisation(models.TextChoices):
    """The dermatoscope's light."""

    POLARISED = "polarised", _("Polarised")
    NON_POLARISED = "non_polarised", _("Not polarised")


class Contact(models.TextChoices):
    """Whether the dermatoscope touched the skin."""

    CONTACT = "contact", _("In contact")
    NON_CONTACT = "non_contact", _("Without contact")


class Immersion(models.TextChoices):
    """What was between dermatoscope and skin."""

    NONE = "none", _("None")
    GEL = "gel", _("Gel")
    ALCOHOL = "alcohol", _("Alcohol")
    OIL = "oil", _("Oil")
    WATER = "water", _("Water")


class LesionImageQuerySet(models.QuerySet["LesionImage"]):
    """Photographs, by who may see them and whether they still count."""

    def visible_to(self, actor: Actor) -> Self:
        """Photographs of the lesions of the actor's clinic."""
        is_of_clinic = Q(examination__lesion__patient__clinic=actor.clinic_id)
        return self.filter(is_of_clinic) if may_see_records(actor) else self.none()

    def sent_by(self, actor: Actor) -> Self:
        """Photographs that came under the actor's name into the actor's clinic; by a person's token, with that one.

        A program's tokens follow one another: what came with one is answered to the next.
        """
        sent = self.visible_to(actor).filter(uploaded_by=actor.user_id, uploaded_by_service=actor.service)
        is_of_a_person = isinstance(actor, ApiToken) and actor.service is None
        return sent.filter(uploaded_with=actor.pk) if is_of_a_person else sent

    def of_lesion(self, lesion: Lesion) -> Self:
        """Photographs of one lesion."""
        return self.filter(examination__lesion=lesion)

    def in_use(self) -> Self:
        """Photographs that nobody has marked as entered in error."""
        return self.filter(entered_in_error_at=None)


class LesionImage(Photograph):
    """A photograph of a lesion at an examination.

    ``declared`` is of the lesion when it was photographed (an ulcer heals), as ``join_declared`` writes it. Of the
    camera, what is empty was not said.
    """

    audit_subject = "examination__lesion__patient"
    examination = models.ForeignKey(Examination, on_delete=models.PROTECT, related_name="images")
    modality = models.CharField(_("modality"), max_length=20, choices=Modality, default=Modality.DERMOSCOPIC)
    declared = models.CharField(
        _("special site or state"), max_length=DECLARED_LENGTH, blank=True, default="", db_default=""
    )
    device = models.CharField(_("device"), max_length=DEVICE_LENGTH, blank=True)
    polarisation = models.CharField(_("light"), max_length=20, choices=Polarisation, blank=True)
    contact = models.CharField(_("contact"), max_length=20, choices=Contact, blank=True)
    immersion = models.CharField(_("immersion"), max_length=20, choices=Immersion, blank=True)
    magnification = models.DecimalField(_("magnification"), max_digits=5, decimal_places=1, null=True, blank=True)
    mm_per_pixel = models.FloatField(_("millimetres a pixel"), null=True, blank=True)

    objects = LesionImageQuerySet.as_manager()

    class Meta(Photograph.Meta):
        verbose_name = _("photograph")
        verbose_name_plural = _("photographs")
        constraints = [
            *Photograph.Meta.constraints,
            models.UniqueConstraint(
                fields=["examination", "upload_sha256"],
                condition=Q(entered_in_error_at=None),
                name="image_bytes_once_per_examination",
            ),
            models.CheckConstraint(condition=Q(modality__in=Modality.values), name="image_modality_known"),
            models.CheckConstraint(
                condition=Q(
                    polarisation__in=["", *Polarisation.values],
                    contact__in=["", *Contact.values],
                    immersion__in=["", *Immersion.values],
                ),
                name="image_camera_known",
            ),
        ]

    @property
    def lesion(self) -> Lesion:
        """The lesion that it is of."""
        return self.examination.lesion

    @property
    def declared_codes(self) -> list[str]:
        """What was declared, as codes of ``Declared``."""
        return split_declared(self.declared)


class CorrectionKind(models.TextChoices):
    """What was put right."""

    MOVED = "moved", _("Moved to another lesion")
    MODALITY = "modality", _("Modality corrected")
    DECLARED = "declared", _("Special site or state corrected")
    TAKEN_ON = "taken_on", _("Day of the photograph corrected")
    ENTERED_IN_ERROR = "entered_in_error", _("Marked as entered in error")


# What a photograph that was marked as entered in error was before, and is since.
IN_USE, ENTERED_IN_ERROR = "in_use", "entered_in_error"


class ImageCorrection(models.Model):
    """What was put right about a photograph, by whom and why. Append-only; readings made before stay as they are."""

    audit_subject = "image__examination__lesion__patient"
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
            models.CheckConstraint(condition=Q(kind__in=CorrectionKind.values), name="correction_kind_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="correction_reason_given"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
