"""Who people are, which clinic they work in, and with what they sign in."""

import unicodedata
import uuid
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from knox.models import AbstractAuthToken

from skinsite.zones import NAME_LENGTH, check_zone_name, zone_named

PERSON_NAME_LENGTH = 120
PROGRAM_NAME_LENGTH = 60
CLINIC_NAME_LENGTH = 120
REASON_LENGTH = 300

EMERGENCY_LASTS = timedelta(hours=4)
"""How long access in an emergency may last, whatever a row says."""


class Capability(StrEnum):
    """What somebody may do in the clinic that they act for."""

    READ_RECORDS = "read_records"
    ADD_RECORDS = "add_records"
    CORRECT_RECORDS = "correct_records"
    REVIEW = "review"
    OVERSEE_RECORDS = "oversee_records"
    READ_AUDIT = "read_audit"
    MANAGE_CLINIC = "manage_clinic"
    MANAGE_MODELS = "manage_models"


class Role(models.TextChoices):
    """What a member of a clinic may do: see `CAPABILITIES`."""

    CLINICIAN = "clinician", _("Clinician")
    REVIEWER = "reviewer", _("Reviewer")
    ADMINISTRATOR = "administrator", _("Administrator")
    AUDITOR = "auditor", _("Auditor")


class Scope(models.TextChoices):
    """What a program may do, of what its owner may: see `SCOPE_CAPABILITIES`."""

    READ = "read", pgettext_lazy("what a program may do", "Read")
    UPLOAD = "upload", pgettext_lazy("what a program may do", "Send photographs")
    WRITE = "write", pgettext_lazy("what a program may do", "Read and write")


CLINICIAN_CAPABILITIES = frozenset({Capability.READ_RECORDS, Capability.ADD_RECORDS, Capability.CORRECT_RECORDS})
REVIEWER_CAPABILITIES = CLINICIAN_CAPABILITIES | {Capability.REVIEW, Capability.OVERSEE_RECORDS}
CAPABILITIES: dict[str, frozenset[Capability]] = {
    Role.CLINICIAN: CLINICIAN_CAPABILITIES,
    Role.REVIEWER: REVIEWER_CAPABILITIES,
    Role.ADMINISTRATOR: REVIEWER_CAPABILITIES | {Capability.READ_AUDIT, Capability.MANAGE_CLINIC},
    # Reads who saw and did what, and no record of a patient.
    Role.AUDITOR: frozenset({Capability.READ_AUDIT}),
}
SCOPE_CAPABILITIES: dict[str, frozenset[Capability]] = {
    Scope.READ: frozenset({Capability.READ_RECORDS}),
    # Of a camera or a gateway: whoever finds its token sees what came under its owner's name, and no other patient.
    Scope.UPLOAD: frozenset({Capability.ADD_RECORDS}),
    Scope.WRITE: CLINICIAN_CAPABILITIES,
}
"""What a program may do at most, whoever's token it has: never give an opinion, oversee or run a clinic."""
EMERGENCY_CAPABILITIES = frozenset({Capability.READ_RECORDS})
SUPERUSER_CAPABILITIES = frozenset({Capability.MANAGE_CLINIC, Capability.MANAGE_MODELS})
SYSTEM_CAPABILITIES = frozenset(Capability) - {Capability.REVIEW}
"""What commands and tasks may do, which act for nobody: all but have an opinion."""


def plain_address(typed: str) -> str:
    """The one spelling of an e-mail address: compatibility forms (wide letters), case and blanks around it are gone.

    Accounts are kept and looked up in it, exactly: no rule of a database, which differ, makes two addresses one. What
    no database can keep is left out.
    """
    return unicodedata.normalize("NFKC", typed).strip().lower().replace("\0", "")


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by e-mail address, however it is typed."""
        return self.get(email=plain_address(username or ""))

    def find_by_address(self, email: str) -> "User | None":
        """The user of this e-mail address, however it is typed, if there is one."""
        return self.filter(email=plain_address(email)).first()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password none can sign in until one is set."""
        user = self.model(email=plain_address(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a superuser, who manages clinics, accounts and models and sees no patient data."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Theme(models.TextChoices):
    """The colours in which a person works."""

    LIGHT = "light", pgettext_lazy("theme", "Light")
    DARK = "dark", pgettext_lazy("theme", "Dark")


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who signs in with an e-mail address and works in one or more clinics.

    ``language`` and ``theme`` are applied at each sign-in; empty, the browser keeps what was chosen in it.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=PERSON_NAME_LENGTH, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("system staff"), default=False)
    time_zone = models.CharField(
        _("time zone"), max_length=NAME_LENGTH, blank=True, default="", db_default="", validators=[check_zone_name]
    )
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, blank=True, default="", db_default=""
    )
    theme = models.CharField(_("theme"), max_length=10, choices=Theme, blank=True, default="", db_default="")
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    # When and from where the password was set, and who had the link to it in hand where no mail server sent it alone.
    password_set_at = models.DateTimeField(null=True, editable=False)
    password_set_from = models.CharField(max_length=45, blank=True, default="", db_default="", editable=False)
    password_link_by = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", editable=False)
    password_confirmed_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # Kept in lower case, so that one address is one person whatever its case.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_in_lower_case")
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """The name that Django and the admin's theme ask for."""
        return self.name

    @property
    def is_password_in_question(self) -> bool:
        """Whether somebody else had the link to the password in hand, and its person has not confirmed it yet."""
        return self.password_link_by_id is not None and self.password_confirmed_at is None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What a superuser may do; nobody else may anything without a clinic."""
        return SUPERUSER_CAPABILITIES if self.is_active and self.is_superuser else frozenset()


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


class KnownPlace(models.Model):
    """A browser, by its name, and an address that a person has signed in from: from elsewhere they are told."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_places")
    browser = models.CharField(max_length=60)
    address = models.CharField(max_length=45)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "browser", "address"], name="place_known_once")]

    def __str__(self) -> str:
        return f"{self.browser} {self.address}"


class NoticeKind(models.TextChoices):
    """What a person is told of by mail, whoever did it."""

    SIGN_IN = "sign_in", _("New sign-in")
    TOKEN = "token", _("New API token")
    RESET = "reset", _("Password reset")
    EMERGENCY = "emergency", _("Emergency access")


class Notice(models.Model):
    """A mail to a person about their own account, sent or to be sent. It names no patient."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=NoticeKind)
    language = models.CharField(max_length=10)
    facts = models.JSONField(default=dict)
    made_at = models.DateTimeField(default=timezone.now, db_index=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=NoticeKind.values), name="notice_kind_known")]

    def __str__(self) -> str:
        return str(self.get_kind_display())
