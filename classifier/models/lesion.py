"""Lesions: what is photographed, perhaps many times over the years."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.anatomy.place import Place
from classifier.anatomy.sites import Side
from classifier.models.patient import CODE_LENGTH, EXTERNAL_ID_LENGTH, Patient
from classifier.models.search_keys import FoldedField
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

LABEL_LENGTH = 80
REGION_LENGTH = 40
VIEW_LENGTH = 20


class BodySite(models.TextChoices):
    """Where on the body: HAM10000's localisations."""

    SCALP = "scalp", _("Scalp")
    FACE = "face", _("Face")
    EAR = "ear", _("Ear")
    NECK = "neck", _("Neck")
    CHEST = "chest", _("Chest")
    ABDOMEN = "abdomen", _("Abdomen")
    BACK = "back", _("Back")
    TRUNK = "trunk", _("Trunk")
    UPPER_EXTREMITY = "upper_extremity", _("Upper extremity")
    HAND = "hand", _("Hand")
    LOWER_EXTREMITY = "lower_extremity", _("Lower extremity")
    FOOT = "foot", _("Foot")
    ACRAL = "acral", _("Palm or sole")
    GENITAL = "genital", _("Genital")
    UNKNOWN = "unknown", _("Not stated")


class LesionState(models.TextChoices):
    """What has become of a lesion."""

    PRESENT = "present", _("Present")
    BIOPSIED = "biopsied", _("Biopsied in part")
    EXCISED = "excised", _("Excised")
    TREATED = "treated", _("Treated without histology")
    SCAR = "scar", _("Scar, watched")
    RECURRENT = "recurrent", _("Recurrent")
    NOT_FOUND = "not_found", _("Not found again")


class LesionQuerySet(models.QuerySet["Lesion"]):
    """Lesions, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Lesions of the patients of the actor's clinic."""
        return self.filter(patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class Lesion(models.Model):
    """One lesion of one patient.

    ``number`` tells the patient's lesions apart and is never used again; numbers that it had elsewhere are
    `LesionAlias`. ``body_site`` is HAM10000's localisation, ``region`` the finer place of ``classifier.anatomy`` where
    one is given. ``map_x`` and ``map_y`` are the place on the view ``map_view`` of the body map, from 0 to 1, from the
    left and from the top, and ``map_version`` the figure that it was chosen on. ``state_on`` is the day since when it
    is in its state, where that is known. One that was merged has no photographs of its own and names the other by
    ``merged_into``.
    """

    audit_subject = "patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="lesions")
    number = models.PositiveSmallIntegerField(_("number"), editable=False)
    body_site = models.CharField(_("body site"), max_length=20, choices=BodySite, default=BodySite.UNKNOWN)
    region = models.CharField(_("place"), max_length=REGION_LENGTH, blank=True)
    side = models.CharField(_("side"), max_length=10, choices=Side, blank=True)
    map_view = models.CharField(max_length=VIEW_LENGTH, blank=True)
    map_x = models.FloatField(null=True, blank=True)
    map_y = models.FloatField(null=True, blank=True)
    map_version = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=LesionState, default=LesionState.PRESENT)
    state_on = models.DateField(_("since"), null=True, blank=True)
    external_id = models.CharField(_("external identifier"), max_length=EXTERNAL_ID_LENGTH, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged", editable=False
    )
    label = models.CharField(
        _("label"), max_length=LABEL_LENGTH, blank=True, help_text=_("For telling it from the patient's other lesions.")
    )
    label_key = FoldedField(source="label", max_length=3 * LABEL_LENGTH)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = LesionQuerySet.as_manager()

    class Meta:
        verbose_name = _("lesion")
        verbose_name_plural = _("lesions")
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="lesion_number_once_per_patient"),
            models.UniqueConstraint(
                fields=["patient", "external_id"],
                condition=~models.Q(external_id=""),
                name="lesion_external_id_once_per_patient",
            ),
            models.CheckConstraint(condition=models.Q(body_site__in=BodySite.values), name="lesion_body_site_known"),
            models.CheckConstraint(condition=models.Q(side__in=["", *Side.values]), name="lesion_side_known"),
            models.CheckConstraint(condition=models.Q(state__in=LesionState.values), name="lesion_state_known"),
            models.CheckConstraint(
                condition=models.Q(map_view="", map_x=None, map_y=None, map_version=None)
                | (
                    ~models.Q(map_view="")
                    & models.Q(map_x__range=(0, 1), map_y__range=(0, 1), map_version__isnull=False)
                ),
                name="lesion_place_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | ~models.Q(merged_into=models.F("pk")),
                name="lesion_not_merged_into_itself",
            ),
        ]

    def __str__(self) -> str:
        return self.label or str(self.get_body_site_display())

    @property
    def place(self) -> Place | None:
        """Where it is on the body map; None where only the localisation is known."""
        return Place(self.region, self.side, self.map_view, self.map_x, self.map_y) if self.region else None


class LesionAlias(models.Model):
    """A number under which documents may name a lesion: its own before a merge, and the patient's code that stood with
    it."""

    audit_subject = "lesion__patient"
    lesion = models.ForeignKey(Lesion, on_delete=models.CASCADE, related_name="aliases")
    patient_code = models.CharField(_("patient code"), max_length=CODE_LENGTH)
    number = models.PositiveSmallIntegerField(_("number"))
    given_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("former number")
        verbose_name_plural = _("former numbers")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["lesion", "patient_code", "number"], name="lesion_alias_once"),
        ]

    def __str__(self) -> str:
        return f"{self.patient_code} L{self.number}"
