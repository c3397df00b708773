"""What a load balancer or an orchestrator asks. Strangers learn names of checks, no details."""

import time
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from skinsite.health.registry import run_checks

# Anybody may ask, and the checks write and connect: each process runs them at most once in this time.
SECONDS_KEPT = 10


@never_cache
@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """The process can do its work, or could some seconds ago; 503 with the names of what it lacks."""
    failed = failed_checks(int(time.monotonic() // SECONDS_KEPT))
    if failed:
        return JsonResponse({"status": "unavailable", "failed": failed}, status=503)
    return JsonResponse({"status": "ok"})


@lru_cache(maxsize=1)
def failed_checks(_period: int) -> tuple[str, ...]:
    """Names of the checks that fail, found once in each period."""
    return tuple(name for name, result in run_checks(only_ready=True).items() if not result.ok)


class HealthMiddleware:
    """Answers probes before the host name and the scheme are looked at: they know the machine's address alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a probe at once and hand everything else on."""
        if request.path_info.startswith("/health/"):
            try:
                match = resolve(request.path_info)
            except Resolver404:
                return self.get_response(request)
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
            return response
        return self.get_response(request)
