"""What is refused: an event for each refusal of somebody who is signed in, a count a minute for strangers."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import User
from skinsite.audit import own as audit
from skinsite.audit.events import noted_refusals
from skinsite.audit.models import StrangersRefused
from skinsite.audit.sign_in import is_told
from skinsite.platform.rate_limits import spend

log = logging.getLogger(__name__)

REFUSALS = frozenset({401, 403, 404, 409, 429})
WRITE_STEP_SECONDS = 1.0  # a process writes its counts at most once in this time, however fast strangers ask
KEPT = timedelta(days=180)


class RefusalMiddleware:
    """Leaves a trace of every answer that refuses something; stands inside of what knows who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and record what was refused. A database that is away refuses no answer."""
        with noted_refusals() as noted:
            response = self.get_response(request)
        try:
            if response.status_code in REFUSALS:
                _record(request, response.status_code, is_known=bool(noted))
            else:
                STRANGERS.write_if_due()
        except DatabaseError:
            log.exception("A refusal (%d) is not on the trail", response.status_code)
        return response


class Strangers:
    """Counts of this process, yet to be written."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[datetime, int]] = Counter()
        self._lock = threading.Lock()
        self._written = 0.0

    def count(self, status: int) -> None:
        """Count a refusal of somebody who is not signed in."""
        minute = timezone.now().replace(second=0, microsecond=0)
        with self._lock:
            self._counts[minute, status] += 1
        self.write_if_due()

    def write_if_due(self) -> None:
        """Add what was counted to the table, unless that was done a moment ago."""
        with self._lock:
            if not self._counts or time.monotonic() - self._written < WRITE_STEP_SECONDS:
                return
            counts, self._counts, self._written = self._counts, Counter(), time.monotonic()
        with transaction.atomic():
            for (minute, status), count in sorted(counts.items()):
                row, is_new = StrangersRefused.objects.get_or_create(
                    minute=minute, status=status, defaults={"count": count}
                )
                if not is_new:
                    StrangersRefused.objects.filter(pk=row.pk).update(count=F("count") + count)


STRANGERS = Strangers()


def refusals_of_strangers() -> QuerySet[StrangersRefused]:
    """The counts, the newest minute first."""
    return StrangersRefused.objects.all()


def sweep_refusals() -> int:
    """Delete counts that are older than half a year; give how many."""
    return StrangersRefused.objects.filter(minute__lt=timezone.now() - KEPT).delete()[0]


def _record(request: HttpRequest, status: int, *, is_known: bool) -> None:
    """Count a stranger's; write somebody's, unless a service has told it in words of its own."""
    match = request.resolver_match
    actor: Actor | User | None = getattr(request, "actor", None) or getattr(request, "membership", None)
    if actor is None and isinstance(request.user, User):
        actor = request.user
    if actor is None:
        STRANGERS.count(status)
        return
    if is_known:
        return
    asked = [str(value) for value in match.kwargs.values() if _is_identifier(value)] if match else []
    if match is None or (status == HTTPStatus.NOT_FOUND and not asked):
        return  # an address that there is not, such as a browser's own guess
    details: dict[str, object] = {"address": f"/{match.route}", "method": request.method}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        # A program that goes on asking does not fill the trail, which is for good.
        count = spend("refused_often", f"{type(actor).__name__} {actor.pk}")
        if count is not None and not is_told(count.used):
            return
    audit.request_refused(actor=actor, status=status, details=details | ({"asked": asked} if asked else {}))


def _is_identifier(value: object) -> bool:
    """Whether a part of an address is an identifier: anything else may be a secret, and is not kept."""
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True
