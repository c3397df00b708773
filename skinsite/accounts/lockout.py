"""What too many wrong passwords lead to. Everything is counted before a password is hashed, by keyed hashes alone.

- One account from one address, or from one known browser: SIGN_IN_ATTEMPTS, then closed for SIGN_IN_LOCK_MINUTES.
- One account from everywhere: beyond ten wrong passwords an hour each try waits, twice as long each time and a minute
  at most. Nobody is locked out for good by strangers, and a browser in which the person has signed in never waits.
- One address (IPv6 by its /64), whatever the accounts: beyond fifty wrong passwords an hour, known browsers alone.
"""

import ipaddress
import re

from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from skinsite.accounts import audit
from skinsite.accounts.known_browser import knows_browser
from skinsite.accounts.models import User, plain_address
from skinsite.platform.rate_limits import Standing, forget, look, spend
from skinsite.settings.rates import PAUSES

NOWHERE = "::"
"""The address of who comes by a socket of this machine, or says none."""

BROWSER_LENGTH = 200
FREE_FAILURES = 10
IPV6_PREFIX = 64
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](?::\d{1,5})?|(?P<four>[0-9.]+):\d{1,5}")


def client_address(request: HttpRequest) -> str:
    """Where the request comes from, as told by the outermost proxy of ours (see PROXY_COUNT); always an IP address."""
    remote = read_address(str(request.META.get("REMOTE_ADDR", ""))) or NOWHERE
    if not settings.PROXY_COUNT:
        return remote
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return (read_address(told[-settings.PROXY_COUNT]) if len(told) >= settings.PROXY_COUNT else None) or remote


def read_address(text: str) -> str | None:
    """An IP address in its one spelling, without port, brackets and zone; None for what is none."""
    found = _WITH_PORT.fullmatch(text)
    plain = (found["six"] or found["four"]) if found else text
    try:
        address = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def network_of(address: str) -> str:
    """What an address is counted and known by: who has one of IPv6 has all of its /64."""
    return str(ipaddress.ip_network(f"{address}/{IPV6_PREFIX}", strict=False)) if ":" in address else address


def client_network(request: HttpRequest) -> str:
    """The network that the request comes from; of IPv4 it is the address."""
    return network_of(client_address(request))


def describe_client(request: HttpRequest | None) -> dict[str, str]:
    """The address and the browser of a request, for an event; nothing of none."""
    if request is None:
        return {}
    browser = "".join(filter(str.isprintable, request.headers.get("User-Agent", "")[:BROWSER_LENGTH]))
    return {"address": client_address(request), "browser": browser}


def require_turn(request: HttpRequest, email: str) -> None:
    """Count a try at an account before its password is looked at.

    Raises ``ImmediateHttpResponse``, with the page that says how long to wait.
    """
    if not knows_browser(request, plain_address(email)):
        _require_quiet_address(request)
        _require_pause(request, plain_address(email))
    standing = spend("sign_in", _pair(request, email))
    if standing is not None and not standing.passed:
        raise ImmediateHttpResponse(_too_many(request, standing.seconds_left))


def note_failure(request: HttpRequest, email: str) -> None:
    """Count a wrong password.

    Raises ``ImmediateHttpResponse`` where it was the last that the account takes from here for now.
    """
    if not knows_browser(request, plain_address(email)):
        failures = spend("sign_in_account", plain_address(email))
        if failures is not None and failures.used >= FREE_FAILURES:
            spend(_pause_after(failures), plain_address(email))
        _count_at_address(request)
    standing = look("sign_in", _pair(request, email))
    if standing is not None and not standing.remaining:
        user = User.objects.find_by_address(email)
        if user is not None:  # of names that nobody has strangers have without end
            audit.user_locked_out(about=user, client=describe_client(request))
        raise ImmediateHttpResponse(_too_many(request, standing.seconds_left))


def note_wrong_key(request: HttpRequest) -> None:
    """Count the answer of no key of this site, at its address alone: whom it names is for anybody to choose.

    Asked once the answer has been looked at, so that people with the right key come in from the same address.

    Raises ``ImmediateHttpResponse`` where too many came from there.
    """
    standing = _count_at_address(request)
    if standing is not None and not standing.passed:
        raise ImmediateHttpResponse(_too_many(request, standing.seconds_left))


def note_success(request: HttpRequest, email: str) -> None:
    """Begin to count anew from here."""
    forget("sign_in", _pair(request, email))


def is_own_password(user: User, password: str, request: HttpRequest) -> bool:
    """Whether this is the password of somebody signed in, who may try some times an hour."""
    standing = spend("own_password", user.pk)
    if standing is not None and not standing.passed:
        return False
    if user.check_password(password):
        forget("own_password", user.pk)
        return True
    audit.user_own_password_refused(about=user, client=describe_client(request))
    return False


def may_try_own_password(user: User) -> bool:
    """Whether somebody signed in may still try their own password."""
    standing = look("own_password", user.pk)
    return standing is None or standing.passed


def _pair(request: HttpRequest, email: str) -> str:
    """Who tries which account: the known browser, else the address, with the account's name."""
    account = plain_address(email)
    return f"{knows_browser(request, account) or client_network(request)} {account}"


def _require_quiet_address(request: HttpRequest) -> None:
    standing = look("sign_in_address", client_network(request))
    if standing is not None and not standing.passed:
        raise ImmediateHttpResponse(_too_many(request, standing.seconds_left))


def _count_at_address(request: HttpRequest) -> Standing | None:
    standing = spend("sign_in_address", client_network(request))
    if standing is not None and standing.passed and not standing.remaining:
        audit.user_locked_out(about=None, client=describe_client(request))
    return standing


def _require_pause(request: HttpRequest, account: str) -> None:
    """Let one try pass after each pause, which grows with the wrong passwords of the last hour."""
    failures = look("sign_in_account", account)
    if failures is None or failures.used < FREE_FAILURES:
        return
    standing = spend(_pause_after(failures), account)
    if standing is not None and not standing.passed:
        raise ImmediateHttpResponse(_too_many(request, standing.seconds_left))


def _pause_after(failures: Standing) -> str:
    """The limit that lets one try pass in so many seconds."""
    return f"sign_in_pause_{PAUSES[min(failures.used - FREE_FAILURES, len(PAUSES) - 1)]}"


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """Tell how long to wait and whom to ask."""
    context = {"minutes": -(-seconds // 60), "seconds": seconds if seconds < 60 else 0}  # noqa: PLR2004 a minute
    response = render(request, "accounts/locked_out.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
