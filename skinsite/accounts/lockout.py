"""What too many wrong passwords lead to."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from skinsite.accounts.models import plain_address


def account_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The address that somebody tries to sign in with, in one spelling."""
    return plain_address(str((credentials or {}).get("email") or request.POST.get("login", "")))


def client_address(request: HttpRequest) -> str:
    """Where the request comes from, as told by the outermost proxy of ours (see PROXY_COUNT)."""
    remote = str(request.META.get("REMOTE_ADDR", ""))
    if not settings.PROXY_COUNT:
        return remote
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    return told[-settings.PROXY_COUNT] if len(told) >= settings.PROXY_COUNT else remote


def locked_out(request: HttpRequest, *_arguments: Any, **_options: Any) -> HttpResponse:
    """Tell how long to wait and whom to ask."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {"minutes": seconds // 60}
    response = render(request, "accounts/locked_out.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
