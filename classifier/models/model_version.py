"""Which bundles this site knows, and which one reads."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ml.bundle.manifest import NAME_LENGTH, VERSION_LENGTH


class ModelStatus(models.TextChoices):
    """A bundle's way through service."""

    CANDIDATE = "candidate", _("Candidate")
    SHADOW = "shadow", _("Shadow")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")


class ModelVersion(models.Model):
    """A registered bundle: its files lie in the model store under ``bundle_sha256``; ``manifest`` is a copy to read."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=NAME_LENGTH, editable=False)
    version = models.CharField(_("version"), max_length=VERSION_LENGTH, editable=False)
    bundle_sha256 = models.CharField(_("bundle hash"), max_length=64, unique=True, editable=False)
    manifest = models.JSONField(editable=False)
    status = models.CharField(_("status"), max_length=10, choices=ModelStatus, default=ModelStatus.CANDIDATE)
    registered_at = models.DateTimeField(_("registered"), default=timezone.now, editable=False)
    activated_at = models.DateTimeField(_("activated"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=models.Q(status="active"), name="model_one_active"),
            models.CheckConstraint(condition=models.Q(status__in=ModelStatus.values), name="model_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
