"""Which clinic a person acts for, and for how long without signing in again."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, is_valid_path, resolve
from django.utils import timezone
from django.utils.translation import gettext as _

from skinsite.accounts.acting import acting_membership
from skinsite.accounts.actors import ActingPerson
from skinsite.accounts.doors import ENDS_KEY, is_vouched_for, reach
from skinsite.accounts.models import User
from skinsite.accounts.second_factor import has_to_enrol
from skinsite.accounts.selectors import emergencies_of
from skinsite.accounts.signed_in import note_session
from skinsite.platform.errors import API_PREFIX
from skinsite.platform.problems import Problem
from skinsite.zones import zone_named

# What is open before a second factor is set up, besides the pages that do so.
WITHOUT_SECOND_FACTOR = {
    "account_login",
    "account_logout",
    "account_reauthenticate",
    "session",
    "set_language",
    "clinic-switch",
}
SIGNED_IN_KEY = "signed_in_at"
SEEN_KEY = "seen_at"
# The time of the last request is kept to the minute, to spare the database a write for every request.
SEEN_STEP_SECONDS = 60
# What the clocks of two machines may differ by.
CLOCKS_APART_SECONDS = 120


def seconds_left(request: HttpRequest) -> int:
    """How long the session of somebody signed in lasts if nothing happens in it; negative once it is over."""
    now = int(timezone.now().timestamp())
    ends = request.session.get(SIGNED_IN_KEY, now) + settings.SESSION_ABSOLUTE_SECONDS
    idle = request.session.get(SEEN_KEY, now) + settings.SESSION_IDLE_SECONDS
    return int(min(ends, idle, request.session.get(ENDS_KEY) or ends) - now)


def _only_asks(request: HttpRequest) -> bool:
    """Whether a page asks for itself, again and again, how long the session lasts or how far a reading is."""
    if request.method != "GET":
        return False
    try:
        return bool(resolve(request.path_info).url_name in settings.POLLED_PAGES)
    except Resolver404:
        return False


def _is_from_the_future(request: HttpRequest, now: int) -> bool:
    """Whether a clock was ahead when the session began, so that nobody knows how long it has lasted."""
    times = (request.session.get(SIGNED_IN_KEY, now), request.session.get(SEEN_KEY, now))
    return bool(max(times) > now + CLOCKS_APART_SECONDS)


class MembershipMiddleware:
    """Sets ``request.membership`` and ``request.emergencies`` from the session.

    An API token brings its own membership: see `accounts.authentication`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer for one clinic."""
        membership = None
        # Without the cookie nobody is signed in: no session need be asked for.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            membership = acting_membership(request, request.user)
            # Asked of the database by pages alone, which tell of them.
            request.emergencies = emergencies_of(request.user, reach(request))  # type: ignore[attr-defined] # as below
        request.membership = membership  # type: ignore[attr-defined] # what MemberRequest declares
        return self.get_response(request)


class ForgetMiddleware:
    """Has the browser forget its copies of pictures once somebody has signed out, or acts for another clinic."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        user_logged_out.connect(forget_copies, dispatch_uid="skinsite.accounts.forget_copies")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the header where something has ended."""
        response = self.get_response(request)
        if getattr(request, "forgets_copies", False):
            response["Clear-Site-Data"] = '"cache"'
        return response


def forget_copies(request: HttpRequest | None, **_signal: object) -> None:
    """Have the browser forget, with the answer to this request, what it keeps of pictures."""
    if request is not None:
        request.forgets_copies = True  # type: ignore[attr-defined] # read by the middleware


class TimeZoneMiddleware:
    """Counts days and tells times in the person's zone, else in the clinic's, else in DEFAULT_TIME_ZONE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in that zone."""
        membership: ActingPerson | None = getattr(request, "membership", None)
        if membership is not None:
            zone = membership.zone
        elif settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            zone = zone_named(request.user.time_zone)
        else:
            zone = zone_named()
        with timezone.override(zone):
            return self.get_response(request)


class SessionLifetimeMiddleware:
    """Ends a session some hours after signing in, and sooner when nothing happens in it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, as nobody if the session is over."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            now = int(timezone.now().timestamp())
            session = request.session
            session.setdefault(SIGNED_IN_KEY, now)
            seen = session.setdefault(SEEN_KEY, now)
            if seconds_left(request) < 0 or _is_from_the_future(request, now) or not is_vouched_for(request):
                logout(request)
            elif now - seen >= SEEN_STEP_SECONDS and not _only_asks(request):
                session[SEEN_KEY] = now
                note_session(request)
        return self.get_response(request)


class SecondFactorMiddleware:
    """Leads whoever must have a second factor and has none to setting one up, before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or lead there; a program with a token has no session and passes."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not isinstance(request.user, User):
            return self.get_response(request)
        name = resolve(request.path_info).url_name or "" if is_valid_path(request.path_info) else ""
        if name.startswith("mfa_") or name in WITHOUT_SECOND_FACTOR or not has_to_enrol(request):
            return self.get_response(request)
        return lead_to_enrolment(request)


def lead_to_enrolment(request: HttpRequest) -> HttpResponse:
    """Lead to setting up a second factor; what is no page of its own is told so."""
    if request.path_info.startswith(API_PREFIX) or request.headers.get("HX-Request"):
        detail = _("Set up a second factor first: open your account in the browser.")
        return Problem(HTTPStatus.FORBIDDEN, detail, "second_factor_required").response()
    return redirect("mfa_index")
