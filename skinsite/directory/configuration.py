"""Which directories there are, and what each says of itself at its well-known address."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from django.conf import settings
from django.core.cache import cache

from skinsite.directory.refusals import Reason, RefusalError
from skinsite.settings.directories import Directory

WELL_KNOWN = "/.well-known/openid-configuration"
# What a directory says of itself changes by the month; keys that it has made since are asked for when they are needed.
KEPT_SECONDS = 300
SECONDS = 5
# A directory that did not answer is left alone for a while: strangers cannot make every process wait for it.
LEFT_ALONE_SECONDS = 10
NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


def find_directory(name: str) -> Directory | None:
    """The directory of this name, if the settings have it."""
    return next((each for each in settings.DIRECTORIES if each.name == name), None)


def directories_of(clinic_slug: str) -> list[Directory]:
    """The directories that the people of a clinic sign in by."""
    return [each for each in settings.DIRECTORIES if clinic_slug in each.clinics]


def describe(directory: Directory) -> dict[str, Any]:
    """What the directory says of itself: its issuer, its addresses, where its keys are.

    Raises ``RefusalError`` if it cannot be reached, is another one than asked for, or sends people to another site.
    """
    key = f"directory:{directory.name}:{directory.url}"
    kept: dict[str, Any] | None = cache.get(key)
    if kept is None:
        if cache.get(f"{key}:away"):
            raise RefusalError(Reason.UNREACHABLE, "it did not answer some seconds ago")
        try:
            kept = fetch_document(directory.url + WELL_KNOWN)
        except RefusalError:
            cache.set(f"{key}:away", True, LEFT_ALONE_SECONDS)
            raise
        require_its_own(directory, kept)
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def sign_out_address(directory: Directory, *, back: str) -> str:
    """Where somebody signs out at the directory itself and comes ``back`` (OpenID Connect RP-Initiated Logout 1.0).

    Empty where it cannot be reached, has no such page, or names one of another site. No id token is sent along: none is
    kept, and the directory asks the person itself.
    """
    try:
        described = describe(directory).get("end_session_endpoint")
        if not isinstance(described, str) or _origins([described]) != _origins([directory.url]):
            return ""
    except (RefusalError, ValueError):
        return ""
    parts = urlsplit(described)
    asked = urlencode({"client_id": directory.client_id, "post_logout_redirect_uri": back})
    return parts._replace(query="&".join(filter(None, (parts.query, asked))), fragment="").geturl()


def fetch_keys(directory: Directory, *, anew: bool) -> list[dict[str, Any]]:
    """The directory's public keys, those of the last minutes unless wanted ``anew``. Raises as ``describe``."""
    key = f"directory:{directory.name}:{directory.url}:keys"
    kept: list[dict[str, Any]] | None = None if anew else cache.get(key)
    if kept is None:
        found = fetch_document(describe(directory)["jwks_uri"]).get("keys")
        kept = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        cache.set(key, kept, KEPT_SECONDS)
    return kept


def fetch_document(address: str) -> dict[str, Any]:
    """A JSON object at an address. Raises ``RefusalError`` if there is none."""
    try:
        response = requests.get(address, timeout=SECONDS)
        response.raise_for_status()
        document = response.json()
    except (requests.RequestException, ValueError) as error:
        raise RefusalError(Reason.UNREACHABLE, str(error)) from error
    if not isinstance(document, dict):
        raise RefusalError(Reason.UNREACHABLE, f"{address} answers no object")
    return document


def require_its_own(directory: Directory, document: Any) -> None:
    """The issuer is the one that was named (OpenID Connect Discovery 4.3), and people are sent to its own site.

    Raises ``RefusalError`` otherwise.
    """
    lacking = [name for name in NEEDED if not isinstance(document, dict) or not isinstance(document.get(name), str)]
    if lacking:
        raise RefusalError(Reason.UNREACHABLE, f"its description lacks {', '.join(lacking)}")
    if document["issuer"].rstrip("/") != directory.url:
        raise RefusalError(Reason.FORGED, f"it calls itself {document['issuer']!r}")
    if _origins([document["authorization_endpoint"]]) != _origins([directory.url]):
        raise RefusalError(Reason.FORGED, "it sends people to another site")
    schemes = {urlsplit(document[name]).scheme for name in NEEDED}
    if schemes != {urlsplit(directory.url).scheme}:
        raise RefusalError(Reason.FORGED, "some of its addresses are not by https")


def _origins(addresses: Iterable[str]) -> set[tuple[str, str]]:
    return {(parts.scheme, parts.netloc) for parts in map(urlsplit, addresses)}
