"""Access of somebody who is no member, in an emergency."""

import uuid
from datetime import timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.models.capabilities import EMERGENCY_CAPABILITIES, Capability
from skinsite.accounts.models.clinic import Clinic
from skinsite.accounts.models.person import User
from skinsite.zones import zone_named

REASON_LENGTH = 300
EMERGENCY_LASTS = timedelta(hours=4)
"""How long access in an emergency may last, whatever a row says."""


class EmergencyAccessQuerySet(models.QuerySet["EmergencyAccess"]):
    """Accesses in an emergency by whether they still run."""

    def active(self) -> Self:
        """Those that run now; a superuser's too, which is what they are for."""
        now = timezone.now()
        running = self.filter(
            ended_at=None,
            ends_at__gt=now,
            granted_at__gt=now - EMERGENCY_LASTS,
            user__is_active=True,
            clinic__is_active=True,
        )
        return running if settings.DEMO_ALLOWED else running.filter(clinic__is_demo=False)


class EmergencyAccess(models.Model):
    """Leave for a named account to read a clinic's records for some hours: an actor that only reads. It ends by itself.

    It is no membership, so that nothing that is for members finds it: no role, no API token, no reset of a password.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="emergency_accesses")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="emergency_accesses")
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    # None: by the command on the server.
    granted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(_("since"), default=timezone.now)
    ends_at = models.DateTimeField(_("until"))
    # Before its time: by its person, or by an administrator.
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = EmergencyAccessQuerySet.as_manager()

    class Meta:
        verbose_name = _("emergency access")
        verbose_name_plural = _("emergency accesses")
        indexes = [models.Index(fields=["user", "ends_at"], name="emergency_user_ends_at")]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("granted_at")), name="emergency_has_time"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="emergency_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.clinic}"

    @property
    def zone(self) -> ZoneInfo:
        """In which times are told to the person: their own, else the clinic's."""
        return zone_named(self.user.time_zone, self.clinic.time_zone)

    @property
    def service(self) -> None:
        """None: it is a person's."""

    @property
    def is_running(self) -> bool:
        """Whether it gives access now."""
        now = timezone.now()
        in_time = self.granted_at > now - EMERGENCY_LASTS and self.ends_at > now and self.ended_at is None
        return in_time and self.user.is_active and self.clinic.is_active

    @property
    def capabilities(self) -> frozenset[Capability]:
        """To read records, while it runs; never more, whoever has it."""
        return EMERGENCY_CAPABILITIES if self.is_running else frozenset()

    def get_role_display(self) -> str:
        """In the place where members are told their role."""
        return str(self._meta.verbose_name).capitalize()
