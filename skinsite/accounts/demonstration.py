"""The demonstration clinic: three accounts with random passwords, for a laptop and never for production."""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction

from skinsite.accounts import audit
from skinsite.accounts.models import Clinic, Membership, Role, User

CLINIC_NAME = "Demonstration clinic"
CLINIC_SLUG = "demonstration"
ACCOUNTS_FILE = "demo-accounts.json"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that reads like another
PEOPLE = {Role.CLINICIAN: "Dr Clara Winter", Role.REVIEWER: "Dr Ravi Iyer", Role.ADMINISTRATOR: "Ada Lind"}


DEMO_REMEDY = (
    "Its accounts cannot sign in here. Start production on a database of its own, and a clinic by "
    "`manage.py create_clinic NAME --admin EMAIL`."
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """How to sign in as one member of the demonstration clinic."""

    membership: Membership
    password: str

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return self.membership.user.email


def accounts_file() -> Path:
    """Where the passwords lie: on this machine alone, in a folder that version control ignores."""
    return Path(settings.VAR_DIR) / ACCOUNTS_FILE


def open_demo_clinic() -> dict[Role, DemoAccount]:
    """Create the demonstration clinic and its accounts where they are missing; give them with their passwords.

    A password that no longer fits its account is set anew. Raises ``PermissionDenied`` where DEMO_ALLOWED is off.
    """
    if not settings.DEMO_ALLOWED:
        raise PermissionDenied("Demonstration accounts are refused by these settings (DEMO_ALLOWED is off).")
    kept = _read_file()
    with transaction.atomic():
        clinic, created = Clinic.objects.get_or_create(
            slug=CLINIC_SLUG, defaults={"name": CLINIC_NAME, "is_demo": True}
        )
        if created:
            audit.clinic_created(actor=None, about=clinic)
        accounts = {role: _open_account(clinic, role, kept.get(_email(role), {})) for role in PEOPLE}
        # Before the commit: an account without a readable password would be of no use.
        _write_file(accounts.values(), kept)
    return accounts


def has_refused_demo() -> bool:
    """Whether there is a demonstration clinic although the settings refuse it: a database moved from a laptop."""
    return not settings.DEMO_ALLOWED and Clinic.objects.filter(is_demo=True).exists()


def _open_account(clinic: Clinic, role: Role, kept: dict[str, str]) -> DemoAccount:
    members = Membership.objects.select_related("user", "clinic")
    membership = members.filter(clinic=clinic, user__email=_email(role)).first()
    if membership is None:
        password = _new_password()
        user = User.objects.create_user(_email(role), password, name=PEOPLE[role])
        membership = Membership.objects.create(user=user, clinic=clinic, role=role)
        audit.membership_created(actor=None, about=membership, role=role)
    elif kept.get("of") == _fingerprint(membership.user):
        password = kept["password"]
    else:
        password = _new_password()
        membership.user.set_password(password)
        membership.user.save(update_fields=["password"])
        audit.user_password_set_by_system(about=membership.user, clinic=clinic)
    return DemoAccount(membership, password)


def _email(role: Role) -> str:
    return f"{role.value}@demo.example"


def _new_password() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def _fingerprint(user: User) -> str:
    """Tells whether the password is still the one in the file; trying each at every start would take a second."""
    return hashlib.sha256(user.password.encode()).hexdigest()


def _read_file() -> dict[str, dict[str, str]]:
    try:
        kept: dict[str, dict[str, str]] = json.loads(accounts_file().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept


def _write_file(accounts: Iterable[DemoAccount], before: dict[str, dict[str, str]]) -> None:
    now = {
        account.email: {"password": account.password, "of": _fingerprint(account.membership.user)}
        for account in accounts
    }
    if now == before:
        return
    path = accounts_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
