"""Overview photographs of a visit, with marks that say where its lesions are. They are never read and never pooled."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.lesion import VIEW_LENGTH, Lesion
from classifier.models.photograph import Photograph
from classifier.models.visit import Visit
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records


class OverviewImageQuerySet(models.QuerySet["OverviewImage"]):
    """Overviews, by who may see them and whether they still count."""

    def visible_to(self, actor: Actor) -> Self:
        """Overviews of the visits of the actor's clinic."""
        return self.filter(visit__patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()

    def in_use(self) -> Self:
        """Overviews that nobody has marked as entered in error."""
        return self.filter(entered_in_error_at=None)


class OverviewImage(Photograph):
    """A photograph of a part of the body, perhaps with a face or a tattoo; ``view`` is one of the body map's."""

    audit_subject = "visit__patient"
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="overviews")
    view = models.CharField(_("view"), max_length=VIEW_LENGTH, blank=True)

    objects = OverviewImageQuerySet.as_manager()

    class Meta(Photograph.Meta):
        verbose_name = _("overview")
        verbose_name_plural = _("overviews")
        constraints = [
            *Photograph.Meta.constraints,
            models.UniqueConstraint(
                fields=["visit", "upload_sha256"],
                condition=models.Q(entered_in_error_at=None),
                name="overview_bytes_once_per_visit",
            ),
        ]


class MarkQuerySet(models.QuerySet["Mark"]):
    """Marks, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Marks on the overviews of the actor's clinic."""
        return self.filter(overview__visit__patient__clinic=actor.clinic_id) if may_see_records(actor) else self.none()


class Mark(models.Model):
    """Where a lesion is on an overview: ``x`` from the left and ``y`` from the top of the stored picture, from 0 to
    1."""

    audit_subject = "overview__visit__patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    overview = models.ForeignKey(OverviewImage, on_delete=models.CASCADE, related_name="marks")
    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, related_name="marks")
    x = models.FloatField()
    y = models.FloatField()
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = MarkQuerySet.as_manager()

    class Meta:
        verbose_name = _("mark")
        verbose_name_plural = _("marks")
        constraints = [
            models.UniqueConstraint(fields=["overview", "lesion"], name="mark_once_per_overview"),
            models.CheckConstraint(condition=models.Q(x__range=(0, 1), y__range=(0, 1)), name="mark_on_the_picture"),
        ]

    def __str__(self) -> str:
        return f"L{self.lesion.number}"
