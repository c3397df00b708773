"""The admin site: who gets in, and by which door."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, resolve, reverse
from unfold.sites import UnfoldAdminSite

from skinsite.accounts.made_for import answer_other_clinic
from skinsite.accounts.oversight import is_superuser, overseer
from skinsite.menu import first_page

# Views of the theme and of Django that nothing here leads to; what is not there needs no rule.
LEFT_OUT = {"search", "view_on_site", "password_change_done"}


class SiteAdmin(UnfoldAdminSite):  # type: ignore[misc] # unfold ships no types
    """Reviewers and administrators of the acting clinic get in, and superusers; each by the site's own sign-in."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person may enter at all; each model's page asks again."""
        return is_superuser(request) or overseer(request) is not None

    def admin_view(
        self,
        view: Callable[..., HttpResponseBase],
        cacheable: bool = False,  # noqa: FBT001 Django's signature
    ) -> Callable[..., HttpResponseBase]:
        """As Django's; a form that was made for another clinic than the acting one is not taken, as everywhere.

        What superusers write belongs to no clinic.
        """
        inner: Callable[..., HttpResponseBase] = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            is_members = request.user.is_authenticated and not is_superuser(request)
            return (answer_other_clinic(request) if is_members else None) or inner(request, *args, **kwargs)

        return guarded

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Leave out the views that nothing leads to."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in LEFT_OUT]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Go straight to the work: readings to review, or clinics to manage."""
        return redirect(first_page(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send to the site's own sign-in, which limits attempts and records them."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(
            request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"), reverse("account_login")
        )

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Sign out as everywhere on the site."""
        response: HttpResponseBase = resolve(reverse("account_logout")).func(request)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Change the password as everywhere on the site."""
        return redirect("account_change_password")
