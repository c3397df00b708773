"""A person, who signs in."""

import unicodedata
import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skinsite.accounts.models.capabilities import SUPERUSER_CAPABILITIES, Capability
from skinsite.zones import NAME_LENGTH, check_zone_name

PERSON_NAME_LENGTH = 120


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
    # Counts how often all sessions were ended: those of an earlier number are no longer anybody's.
    session_epoch = models.PositiveIntegerField(default=0, db_default=0, editable=False)

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

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must hold: Django's, of the password, and then of how often sessions were ended."""
        own: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc] # Django's stubs leave it out
        if not self.session_epoch:
            return own
        salted = salted_hmac(
            "skinsite.accounts.session_epoch", f"{own} {self.session_epoch}", secret, algorithm="sha256"
        )
        return salted.hexdigest()

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
