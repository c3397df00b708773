"""A clinic, who works in it, and who is invited to."""

import uuid
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.models.capabilities import CAPABILITIES, Capability, Role
from skinsite.accounts.models.person import User
from skinsite.zones import NAME_LENGTH, check_zone_name, zone_named

CLINIC_NAME_LENGTH = 120


class Clinic(models.Model):
    """A tenant: nothing of one clinic is ever seen in another."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=CLINIC_NAME_LENGTH)
    slug = models.SlugField(_("short name"), unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    time_zone = models.CharField(
        _("time zone"), max_length=NAME_LENGTH, blank=True, default="", db_default="", validators=[check_zone_name]
    )
    storage_gigabytes = models.PositiveIntegerField(
        _("storage, GB"),
        null=True,
        blank=True,
        help_text=_("What its photographs may take up. Empty: as the site has it (CLINIC_STORAGE_GIGABYTES)."),
    )
    is_demo = models.BooleanField(_("demonstration"), default=False, editable=False)
    # Without them its people come in by a directory (`skinsite.directory`) alone.
    passwords_allowed = models.BooleanField(_("sign in with a password"), default=True, db_default=True)
    second_factor_required = models.BooleanField(_("second factor for everybody"), default=False, db_default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("clinic")
        verbose_name_plural = _("clinics")

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """In which its days are counted."""
        return zone_named(self.time_zone)

    @property
    def storage_bytes(self) -> int:
        """What its photographs may take up."""
        own = self.storage_gigabytes
        return (settings.CLINIC_STORAGE_GIGABYTES if own is None else own) * 1_000_000_000


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships by whether they still give access."""

    def active(self) -> Self:
        """Those that give access now: person, clinic and membership are active, and no demonstration is refused.

        None of a superuser's, should there be one: who runs the site sees no patient data.
        """
        active = self.filter(is_active=True, user__is_active=True, user__is_superuser=False, clinic__is_active=True)
        return active if settings.DEMO_ALLOWED else active.filter(clinic__is_demo=False)


class Membership(models.Model):
    """A person in a clinic: the actor of every service, and what every visibility rule asks."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    # The name of the directory by whose group it was made, which may change and end it; empty where people did.
    directory = models.CharField(max_length=30, blank=True, default="", db_default="", editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["user", "clinic"], name="membership_once_per_clinic"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.clinic}"

    @property
    def zone(self) -> ZoneInfo:
        """In which times are told to the person: their own, else the clinic's."""
        return zone_named(self.user.time_zone, self.clinic.time_zone)

    @property
    def service(self) -> None:
        """None: a member is a person."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the role allows, while the access lasts."""
        is_at_work = self.is_active and self.user.is_active and self.clinic.is_active
        return CAPABILITIES[self.role] if is_at_work and not self.user.is_superuser else frozenset()


class Invitation(models.Model):
    """A single-use, expiring way into a clinic; only the hash of its secret is kept."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_one_open_per_address",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_open(self) -> bool:
        """Whether it still works: neither used nor withdrawn nor expired."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > timezone.now()
