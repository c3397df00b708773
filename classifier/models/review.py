"""Reviews: what a colleague thinks of a reading. They append; none is changed."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from classifier.models.prediction import Prediction
from skinsite.accounts.actors import Actor
from skinsite.accounts.policies import may_see_records

COMMENT_LENGTH = 2000
OTHER_LENGTH = 200  # of another diagnosis, which becomes the comment's first line


class Diagnosis(models.TextChoices):
    """What the reviewer thinks it is: one of the seven classes, something else, or no telling.

    The codes of the seven are those of ``ml.taxonomy``; a test holds them together.
    """

    MEL = "MEL", _("Melanoma")
    NV = "NV", _("Melanocytic nevus")
    BCC = "BCC", _("Basal cell carcinoma")
    AKIEC = "AKIEC", _("Actinic keratosis or intraepithelial carcinoma")
    BKL = "BKL", _("Benign keratosis")
    DF = "DF", _("Dermatofibroma")
    VASC = "VASC", _("Vascular lesion")
    OTHER = "other", _("Other")
    CANNOT_TELL = "cannot_tell", _("Cannot tell")


class Certainty(models.TextChoices):
    """How sure the reviewer is."""

    LOW = "low", _("Unsure")
    MEDIUM = "medium", _("Fairly sure")
    HIGH = "high", _("Sure")


class ReviewKind(models.TextChoices):
    """Whether the reviewer had seen the model's reading."""

    INFORMED = "informed", _("Informed")
    BLINDED = "blinded", _("Blinded")


class ReviewQuerySet(models.QuerySet["Review"]):
    """Reviews, by who may see them."""

    def visible_to(self, actor: Actor) -> Self:
        """Reviews of the readings of the actor's clinic."""
        return (
            self.filter(prediction__image__examination__lesion__patient__clinic=actor.clinic_id)
            if may_see_records(actor)
            else self.none()
        )


class Review(models.Model):
    """One opinion on one reading."""

    audit_subject = "prediction__image__examination__lesion__patient"
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    prediction = models.ForeignKey(Prediction, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=ReviewKind, default=ReviewKind.INFORMED, editable=False)
    diagnosis = models.CharField(_("opinion"), max_length=20, choices=Diagnosis)
    certainty = models.CharField(_("certainty"), max_length=10, choices=Certainty)
    comment = models.TextField(_("comment"), max_length=COMMENT_LENGTH, blank=True)
    created_at = models.DateTimeField(_("time"), default=timezone.now, editable=False, db_index=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(diagnosis__in=Diagnosis.values), name="review_diagnosis_known"),
            models.CheckConstraint(condition=models.Q(certainty__in=Certainty.values), name="review_certainty_known"),
            models.CheckConstraint(condition=models.Q(kind__in=ReviewKind.values), name="review_kind_known"),
        ]

    def __str__(self) -> str:
        return str(self.get_diagnosis_display())
