"""Directories that people sign in by: providers of OpenID Connect, each by variables of its own (OIDC_NAME_…)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlsplit

from skinsite.settings.env import env, refuse

# Signatures alone. With HMAC the client's secret, or a public key that is taken for one, would make answers.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
DEFAULT_ALGORITHMS = ("RS256", "ES256")
# As accounts.models.Role names them, the weakest first: an auditor reads the trail alone.
ROLES = ("auditor", "clinician", "reviewer", "administrator")
# Where nothing leaves the machine, HTTP will do.
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LABEL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class GroupRole:
    """What a group of the directory makes its people: members of the clinic of a short name, with a role."""

    group: str
    clinic: str
    role: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A provider of OpenID Connect, for the people of some clinics whose addresses are in some domains.

    ``url`` is its issuer, ``clinics`` are short names, ``domains`` in ASCII. ``verified_claim`` and ``groups_claim``
    name the claims of an id token that say whether the address is the person's, and which groups they are in.
    """

    name: str
    url: str
    client_id: str
    client_secret: str = field(repr=False)
    label: str
    domains: frozenset[str]
    clinics: tuple[str, ...]
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    verified_claim: str = "email_verified"
    groups_claim: str = "groups"
    groups: tuple[GroupRole, ...] = ()


def read_directories() -> list[Directory]:
    """The directories that OIDC_PROVIDERS names, in its order.

    Raises ``ImproperlyConfigured`` in one line that begins with the variable that is wrong.
    """
    names = env.words("OIDC_PROVIDERS")
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,29}", name):
            refuse("OIDC_PROVIDERS", f"holds {name!r}; set short names of small letters, digits and - with commas.")
    return [_read(name) for name in names]


def _read(name: str) -> Directory:
    prefix = f"OIDC_{name.upper().replace('-', '_')}"
    clinics = tuple(env.words(f"{prefix}_CLINICS")) or _missing(
        name, f"{prefix}_CLINICS", "the short names of the clinics whose people it knows"
    )
    domains = env.hosts(f"{prefix}_DOMAINS") or _missing(
        name, f"{prefix}_DOMAINS", "the domains of their e-mail addresses, with commas between them"
    )
    if any(domain.startswith((".", "[")) for domain in domains):
        refuse(f"{prefix}_DOMAINS", "holds a pattern; set each domain of e-mail addresses by its whole name.")
    label = env.text(f"{prefix}_LABEL", name.replace("-", " ").capitalize())
    if len(label) > LABEL_LENGTH:
        refuse(f"{prefix}_LABEL", f"is longer than {LABEL_LENGTH} letters; it stands on a button.")
    return Directory(
        name=name,
        url=_read_url(name, f"{prefix}_URL"),
        client_id=_needed(name, f"{prefix}_CLIENT_ID", "the id of this site there"),
        client_secret=_needed(
            name, f"{prefix}_CLIENT_SECRET", f"the site's secret there, or {prefix}_CLIENT_SECRET_FILE"
        ),
        label=label,
        domains=frozenset(domains),
        clinics=clinics,
        algorithms=_read_algorithms(f"{prefix}_ALGORITHMS"),
        scopes=tuple(dict.fromkeys(["openid", "profile", "email", *env.words(f"{prefix}_SCOPES")])),
        verified_claim=env.text(f"{prefix}_VERIFIED_CLAIM", "email_verified"),
        groups_claim=env.text(f"{prefix}_GROUPS_CLAIM", "groups"),
        groups=tuple(_read_groups(f"{prefix}_GROUPS", clinics)),
    )


def _read_url(name: str, variable: str) -> str:
    if not env.text(variable):
        _missing(name, variable, "its issuer, such as https://login.example.org/realms/staff")
    address = env.endpoint(variable)
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        refuse(variable, "begins with http://, which anybody on the way may rewrite; set https://.")
    if "/.well-known/" in address:
        refuse(variable, "is the address of a description; set what stands before /.well-known/, the issuer.")
    return address.rstrip("/")


def _read_algorithms(variable: str) -> tuple[str, ...]:
    words = tuple(env.words(variable)) or DEFAULT_ALGORITHMS
    wrong = [word for word in words if word not in ALGORITHMS]
    if wrong:
        refuse(variable, f"holds {wrong[0]!r}; set signatures alone: {', '.join(ALGORITHMS)}.")
    return words


def _read_groups(variable: str, clinics: Iterable[str]) -> Iterable[GroupRole]:
    """Each ``group=clinic:role``, with semicolons between them: names of groups hold commas, blanks and =."""
    for entry in filter(None, (part.strip() for part in env.text(variable).split(";"))):
        group, _, place = entry.rpartition("=")
        clinic, _, role = place.partition(":")
        if not group.strip() or role.strip() not in ROLES or clinic.strip() not in clinics:
            refuse(
                variable,
                f"holds {entry!r}; set GROUP=CLINIC:ROLE with semicolons between them, a clinic of this provider's "
                f"and one of: {', '.join(ROLES)}.",
            )
        yield GroupRole(group.strip(), clinic.strip(), role.strip())


def _needed(name: str, variable: str, what: str) -> str:
    return env.text(variable) or _missing(name, variable, what)


def _missing(name: str, variable: str, what: str) -> NoReturn:
    refuse("OIDC_PROVIDERS", f"names {name!r}, and {variable} is not set. Set {what}.")
