"""What the environment says of directories: taken, or refused in one line that names the variable."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from skinsite.accounts.models import Clinic, Role
from skinsite.directory.checks import check_directories
from skinsite.directory.health import check_directories as check_answers
from skinsite.settings.directories import ALGORITHMS, ROLES, Directory, GroupRole, read_directories
from tests.skinsite.directory.conftest import Configure
from tests.skinsite.directory.provider import Provider

NEEDED = {
    "OIDC_PROVIDERS": "hospital",
    "OIDC_HOSPITAL_URL": "https://login.hospital.example/realms/staff/",
    "OIDC_HOSPITAL_CLIENT_ID": "skinsite",
    "OIDC_HOSPITAL_CLIENT_SECRET": "hush",
    "OIDC_HOSPITAL_CLINICS": "north,south",
    "OIDC_HOSPITAL_DOMAINS": "hospital.example,München.example",
}


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[Directory]:
    """The directories of an environment."""
    for name, value in (NEEDED | variables).items():
        monkeypatch.setenv(name, value)
    return read_directories()


def test_a_directory_needs_six_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = read(monkeypatch)
    assert found == Directory(
        name="hospital",
        url="https://login.hospital.example/realms/staff",
        client_id="skinsite",
        client_secret="hush",
        label="Hospital",
        domains=frozenset({"hospital.example", "xn--mnchen-3ya.example"}),
        clinics=("north", "south"),
        algorithms=("RS256", "ES256"),
        scopes=("openid", "profile", "email"),
        verified_claim="email_verified",
        groups_claim="groups",
        groups=(),
    )
    assert "hush" not in repr(found)


def test_everything_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = read(
        monkeypatch,
        OIDC_PROVIDERS="hospital, uni-west",
        OIDC_HOSPITAL_LABEL="Hospital account",
        OIDC_HOSPITAL_ALGORITHMS="PS256",
        OIDC_HOSPITAL_SCOPES="offline_access",
        OIDC_HOSPITAL_VERIFIED_CLAIM="xms_edov",
        OIDC_HOSPITAL_GROUPS_CLAIM="roles",
        OIDC_HOSPITAL_GROUPS="/derm, doctors=north:clinician; CN=Heads,OU=Derm=south:administrator;",
        **{name.replace("HOSPITAL", "UNI_WEST"): value for name, value in NEEDED.items() if "HOSPITAL" in name},
    )
    assert (first.label, first.algorithms, first.verified_claim, first.groups_claim) == (
        *("Hospital account", ("PS256",), "xms_edov", "roles"),
    )
    assert first.scopes == ("openid", "profile", "email", "offline_access")
    assert first.groups == (
        GroupRole("/derm, doctors", "north", "clinician"),
        GroupRole("CN=Heads,OU=Derm", "south", "administrator"),
    )
    assert (second.name, second.label) == ("uni-west", "Uni west")


@pytest.mark.parametrize("name", sorted(set(NEEDED) - {"OIDC_PROVIDERS"}))
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^OIDC_PROVIDERS names 'hospital', and {name} is not set\. Set "):
        read(monkeypatch, **{name: ""})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OIDC_PROVIDERS", "Hospital", "OIDC_PROVIDERS holds 'Hospital'"),
        ("OIDC_PROVIDERS", "a_b", "OIDC_PROVIDERS holds 'a_b'"),
        ("OIDC_HOSPITAL_URL", "http://login.example", "OIDC_HOSPITAL_URL begins with http://"),
        ("OIDC_HOSPITAL_URL", "login.example", "OIDC_HOSPITAL_URL "),
        ("OIDC_HOSPITAL_URL", "https://u:hush@login.example", "OIDC_HOSPITAL_URL "),
        ("OIDC_HOSPITAL_URL", "https://l.example/.well-known/openid-configuration", "OIDC_HOSPITAL_URL is the address"),
        ("OIDC_HOSPITAL_ALGORITHMS", "HS256", "OIDC_HOSPITAL_ALGORITHMS holds 'HS256'; set signatures alone"),
        ("OIDC_HOSPITAL_ALGORITHMS", "RS256,none", "OIDC_HOSPITAL_ALGORITHMS holds 'none'"),
        ("OIDC_HOSPITAL_DOMAINS", "*", "OIDC_HOSPITAL_DOMAINS holds"),
        ("OIDC_HOSPITAL_DOMAINS", ".example", "OIDC_HOSPITAL_DOMAINS holds a pattern"),
        ("OIDC_HOSPITAL_DOMAINS", "anna@hospital.example", "OIDC_HOSPITAL_DOMAINS holds"),
        ("OIDC_HOSPITAL_GROUPS", "doctors", "OIDC_HOSPITAL_GROUPS holds 'doctors'"),
        ("OIDC_HOSPITAL_GROUPS", "doctors=north:owner", "OIDC_HOSPITAL_GROUPS holds"),
        ("OIDC_HOSPITAL_GROUPS", "doctors=west:clinician", "OIDC_HOSPITAL_GROUPS holds"),
        ("OIDC_HOSPITAL_GROUPS", "=north:clinician", "OIDC_HOSPITAL_GROUPS holds"),
        ("OIDC_HOSPITAL_LABEL", "x" * 41, "OIDC_HOSPITAL_LABEL is longer than 40"),
        ("OIDC_HOSPITAL_CLIENT_SECRET_FILE", "/nowhere", "OIDC_HOSPITAL_CLIENT_SECRET and"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(monkeypatch, **{name: value})
    assert str(refused.value).startswith(told)
    assert "hush" not in str(refused.value)


def test_without_the_variable_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, OIDC_PROVIDERS="") == []


def test_no_algorithm_is_one_without_a_signature_of_the_provider_s() -> None:
    assert not [name for name in ALGORITHMS if name.startswith("HS") or name == "none"]


def test_roles_are_those_of_memberships() -> None:
    assert set(Role.values) == set(ROLES)
    assert ROLES[-1] == Role.ADMINISTRATOR


def messages() -> list[Any]:
    """What the system check finds."""
    return [each.id for each in check_directories(databases=["default"])]


def test_a_clinic_that_there_is_not_is_warned_of(clinic: Clinic, configure: Configure) -> None:
    configure()
    assert messages() == []
    configure(clinics=(clinic.slug, "nowhere"))
    assert messages() == ["skinsite.W030"]


def test_a_clinic_without_any_way_in_is_warned_of(clinic: Clinic, configure: Configure) -> None:
    clinic.passwords_allowed = False
    clinic.save()
    assert messages() == ["skinsite.W031"]
    configure()
    assert messages() == []


def test_doctor_asks_every_directory(configure: Configure, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not used" in check_answers().detail
    configure()
    assert check_answers().ok
    provider.described = {"issuer": "https://evil.example"}
    assert check_answers().detail == "hospital: it calls itself 'https://evil.example'"
    provider.be_honest()
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=5))
    assert check_answers().detail.endswith("s behind this machine's")
    provider.is_away = True
    assert not check_answers().ok
