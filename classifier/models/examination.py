"""Examinations: a visit's look at one lesion."""

import uuid
from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.lesion import Lesion
from classifier.models.visit import Visit
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

HISTORY = ("is_new", "has_changed", "bleeds", "itches")
"""What the patient tells of the lesion."""
SIGNS = ("is_raised", "is_firm", "is_growing", "is_ulcerated", "is_ugly_duckling", "is_pigmented")
"""What is seen and felt of the lesion."""


class ExaminationQuerySet(models.QuerySet["Examination"]):
    """Examinations, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Examinations of the lesions of the actor's clinic."""
        return self.filter(visit__patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()

    def with_owners(self) -> Self:
        """Each with its visit, its lesion, and of both the patient and the clinic."""
        return self.select_related("visit__patient__clinic", "lesion__patient__clinic")

    def over_time(self) -> Self:
        """Newest first, each with ``taken_on``, the day of its first photograph in use, else of its visit; and with
        ``image_count`` of those in use. Those that never had a photograph are left out."""
        in_use = Q(images__entered_in_error_at=None)
        dated = self.filter(images__isnull=False).annotate(
            taken_on=Coalesce(Min("images__taken_on", filter=in_use), "visit__day"),
            image_count=Count("images", filter=in_use),
        )
        return dated.order_by("-taken_on", "-pk")


class Examination(models.Model):
    """One lesion at one visit, with its photographs. What is null was not asked.

    ``reading`` is the lesion reading in force: null while photographs are still to be read for the first time, and once
    all are withdrawn. Such a void examination stays, without an outcome.
    """

    audit_subject = "visit__patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="examinations")
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, related_name="examinations")
    is_new = models.BooleanField(_("new"), null=True, blank=True)
    has_changed = models.BooleanField(_("changed"), null=True, blank=True)
    bleeds = models.BooleanField(_("bleeding"), null=True, blank=True)
    itches = models.BooleanField(_("itching"), null=True, blank=True)
    is_raised = models.BooleanField(_("raised"), null=True, blank=True)
    is_firm = models.BooleanField(_("firm"), null=True, blank=True)
    is_growing = models.BooleanField(_("growing"), null=True, blank=True)
    is_ulcerated = models.BooleanField(_("ulcerated"), null=True, blank=True)
    is_ugly_duckling = models.BooleanField(_("unlike the others"), null=True, blank=True)
    is_pigmented = models.BooleanField(_("pigmented"), null=True, blank=True)
    diameter_mm = models.DecimalField(_("longest diameter, mm"), max_digits=5, decimal_places=1, null=True, blank=True)
    reading = models.OneToOneField(
        "classifier.LesionReading", null=True, on_delete=models.SET_NULL, related_name="in_force_of", editable=False
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_by_service = models.ForeignKey(
        "accounts.ServiceAccount", null=True, on_delete=models.PROTECT, related_name="+"
    )

    taken_on: date  # for those of `over_time` alone, as is the next
    image_count: int

    objects = ExaminationQuerySet.as_manager()

    class Meta:
        verbose_name = _("examination")
        verbose_name_plural = _("examinations")
        constraints = [
            models.UniqueConstraint(fields=["visit", "lesion"], name="examination_once_per_visit_and_lesion"),
            models.CheckConstraint(
                condition=models.Q(diameter_mm=None) | models.Q(diameter_mm__gt=0), name="examination_diameter_positive"
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
