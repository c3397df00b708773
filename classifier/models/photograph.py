"""What all photographs are: bytes in the private storage, how they came, and when they were taken."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.patient import EXTERNAL_ID_LENGTH
from classifier.models.search_keys import FoldedField

NAME_LENGTH = 120
THUMBNAILS = "thumbnails"


class TakenSource(models.TextChoices):
    """Who says when a photograph was taken."""

    FILE = "file", _("the file")
    TYPED = "typed", _("typed")
    UPLOAD_DAY = "upload_day", _("day of the upload")


class TakenPrecision(models.TextChoices):
    """How exactly it is known when a photograph was taken: of less than a day, the first day stands."""

    DAY = "day", _("day")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


def name_thumbnail(public_id: uuid.UUID) -> str:
    """Give the storage name of the thumbnail of the photograph of this id."""
    return f"{THUMBNAILS}/{public_id}.jpg"


class Photograph(models.Model):
    """Its bytes lie in the private storage under its UUID, rebuilt from pixels, with no metadata left.

    ``upload_sha256`` is of the bytes as they came (they are not kept), ``stored_sha256`` of those that every reading is
    computed from. ``original_name`` is data for people, never a path. ``taken_on`` is a day in the clinic's zone, and
    ``taken_time`` the time of that day by the camera's clock, where the file tells one.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    original_name = models.CharField(_("file name"), max_length=NAME_LENGTH, blank=True)
    name_key = FoldedField(source="original_name", max_length=3 * NAME_LENGTH)
    upload_sha256 = models.CharField(max_length=64, editable=False, db_index=True)
    stored_sha256 = models.CharField(max_length=64, editable=False)
    stored_name = models.CharField(max_length=80, unique=True, editable=False)
    stored_bytes = models.PositiveIntegerField(editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    notes = models.JSONField(_("conversions"), default=list, blank=True, editable=False)
    taken_on = models.DateField(_("taken on"), default=timezone.localdate)
    taken_time = models.TimeField(_("time of day"), null=True, blank=True, editable=False)
    taken_source = models.CharField(
        _("date from"), max_length=10, choices=TakenSource, default=TakenSource.UPLOAD_DAY, editable=False
    )
    taken_precision = models.CharField(
        _("precision"), max_length=10, choices=TakenPrecision, default=TakenPrecision.DAY, editable=False
    )
    external_id = models.CharField(_("external identifier"), max_length=EXTERNAL_ID_LENGTH, blank=True)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now, editable=False, db_index=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    uploaded_by_service = models.ForeignKey(
        "accounts.ServiceAccount", null=True, on_delete=models.PROTECT, related_name="+"
    )
    uploaded_with = models.ForeignKey("accounts.ApiToken", null=True, on_delete=models.SET_NULL, related_name="+")
    entered_in_error_at = models.DateTimeField(_("entered in error"), null=True, blank=True, editable=False)

    thumbnail_mark = ""  # of one that a page has named: see `classifier.presentation.thumbnails`

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(width__gt=0, height__gt=0, stored_bytes__gt=0), name="%(class)s_not_empty"
            ),
            models.CheckConstraint(
                condition=models.Q(taken_source__in=TakenSource.values, taken_precision__in=TakenPrecision.values),
                name="%(class)s_taken_known",
            ),
        ]

    def __str__(self) -> str:
        return self.original_name or str(self.public_id)

    @property
    def thumbnail_name(self) -> str:
        """The storage name of the thumbnail."""
        return name_thumbnail(self.public_id)
