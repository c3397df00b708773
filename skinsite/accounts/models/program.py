"""Programs, and the keys with which they act."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from skinsite.accounts.models.capabilities import SCOPE_CAPABILITIES, Capability, Scope
from skinsite.accounts.models.clinic import Clinic, Membership
from skinsite.accounts.models.person import User

PROGRAM_NAME_LENGTH = 60


class ServiceAccount(models.Model):
    """A program of a clinic, such as its picture archive: it acts under its own name, by tokens alone.

    It is no person: it has no password, no session and no place in the admin.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="services")
    name = models.CharField(_("name"), max_length=PROGRAM_NAME_LENGTH)
    scope = models.CharField(_("scope"), max_length=10, choices=Scope)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("service account")
        verbose_name_plural = _("service accounts")
        constraints = [models.CheckConstraint(condition=models.Q(scope__in=Scope.values), name="service_scope_known")]

    def __str__(self) -> str:
        return self.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What its scope allows, until it is ended."""
        is_at_work = self.ended_at is None and self.clinic.is_active
        return SCOPE_CAPABILITIES[self.scope] if is_at_work else frozenset()


class ApiToken(AbstractAuthToken):  # type: ignore[misc] # knox ships no types
    """A hashed, expiring, revocable key. It acts for one clinic: as a person who is a member, or as a service account.

    Of ``user`` with ``membership``, and ``service``, one is set.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=PROGRAM_NAME_LENGTH, blank=True, default="", db_default="")
    scope = models.CharField(_("scope"), max_length=10, choices=Scope, default=Scope.READ, db_default=Scope.READ)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="auth_token_set")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="api_tokens", null=True)
    service = models.ForeignKey(ServiceAccount, on_delete=models.CASCADE, related_name="api_tokens", null=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.CheckConstraint(condition=models.Q(scope__in=Scope.values), name="token_scope_known"),
            models.CheckConstraint(
                condition=models.Q(user=None, membership=None, service__isnull=False)
                | models.Q(user__isnull=False, membership__isnull=False, service=None),
                name="token_of_a_person_or_a_service",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.token_key[:6]}…"

    @property
    def clinic(self) -> Clinic:
        """The clinic that it acts for."""
        return self._holder.clinic

    @property
    def clinic_id(self) -> int:
        """The key of that clinic."""
        return self._holder.clinic_id

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What its scope allows, of what the person or the service account may."""
        return self._holder.capabilities & SCOPE_CAPABILITIES[self.scope]

    @property
    def is_over(self) -> bool:
        """Whether it has expired."""
        return self.expiry is not None and self.expiry <= timezone.now()

    @property
    def _holder(self) -> Membership | ServiceAccount:
        holder: Membership | ServiceAccount | None = self.service or self.membership
        if holder is None:
            raise ValueError("A token of nobody acts for nobody; a constraint of the database refuses it.")
        return holder
