"""What the pages of the admin share: whose they are, and that records are only ever looked at."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import DateFieldListFilter, ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import DataError
from django.db.models import Model
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from skinsite.accounts.limits import spend_on
from skinsite.accounts.models import Capability, Membership
from skinsite.accounts.policies import may
from skinsite.paging import KeyPaginator
from skinsite.text import limit_search


def is_superuser(request: HttpRequest) -> bool:
    """Whether a superuser asks, who manages clinics, accounts and models and sees no patient data."""
    return request.user.is_active and request.user.is_superuser


def overseer(request: HttpRequest, capability: Capability = Capability.OVERSEE_RECORDS) -> Membership | None:
    """The membership under which somebody oversees their clinic, or does what ``capability`` says.

    None for everybody else, and for a superuser even if a member: one account does not do both.
    """
    membership = getattr(request, "membership", None)
    if not isinstance(membership, Membership) or is_superuser(request):
        return None
    return membership if may(membership, capability) else None


def oversees_clinic(request: HttpRequest) -> bool:
    """Whether the work of a clinic is listed for whoever asks."""
    return overseer(request) is not None


def oversees_audit(request: HttpRequest) -> bool:
    """Whether the audit trail of a clinic is listed for whoever asks."""
    return overseer(request, Capability.READ_AUDIT) is not None


class PublicChangeList(ChangeList):  # type: ignore[misc] # unfold ships no types
    """A list whose rows lead to UUIDs: integer keys stay inside."""

    def url_for_result(self, result: Any) -> str:
        """The address of a row's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[result.public_id])


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc] # unfold ships no types
    """Pages to look at: nothing is added, changed or deleted, and there is no address to try it at."""

    actions: Sequence[str] | None = None
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    paginator = KeyPaginator
    list_before_template = "admin/active_filters.html"
    views: tuple[str, ...] = ("changelist", "change")

    def get_urls(self) -> list[URLPattern]:
        """Keep the addresses of the ``views`` alone: no add, delete, history."""
        names = {f"{self.opts.app_label}_{self.opts.model_name}_{view}" for view in self.views}
        return [url for url in super().get_urls() if url.name in names]

    def may_see(self, request: HttpRequest) -> bool:
        """Whether these pages are for whoever asks."""
        raise NotImplementedError

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Whether a filter is one of those shown: the address gives no other question to the database."""
        allowed: set[str] = set()
        for shown in self.list_filter:
            name, kind = (shown[0], shown[1]) if isinstance(shown, tuple) else (shown, None)
            if not isinstance(name, str):
                allowed.add(name.parameter_name)
            elif kind is DateFieldListFilter:
                allowed |= {f"{name}__gte", f"{name}__lt", f"{name}__isnull"}
            else:
                allowed |= {f"{name}__exact", f"{name}__isnull"}
        return lookup in allowed

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list; a value that the database cannot make anything of is no filter."""
        if SEARCH_VAR in request.GET:
            asked = request.GET.copy()
            asked[SEARCH_VAR] = limit_search(str(asked[SEARCH_VAR]))
            request.GET = asked  # type: ignore[assignment] # a copy, as Django itself sets it
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            raise IncorrectLookupParameters(str(error)) from error

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the pages are listed."""
        return self.may_see(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the pages may be opened."""
        return self.may_see(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: services write."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: services write."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: nothing is deleted by hand."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Name the list by what is in it rather than "Select … to view", and say which filters are on."""
        spend_on(request, "reads")
        response = super().changelist_view(request, {"title": self.opts.verbose_name_plural, **(extra_context or {})})
        context = getattr(response, "context_data", None)  # none when the address made no sense
        if context and "cl" in context:
            context["active_filters"] = _active_filters(context["cl"])
        return response


def _active_filters(changelist: Any) -> list[dict[str, Any]]:
    """Every filter that is not at its first choice, which stands for none, with the address that takes it off."""
    found = []
    for spec in changelist.filter_specs:
        first, *others = spec.choices(changelist)
        chosen = [choice for choice in others if choice.get("selected")]
        found += [{"title": spec.title, "choice": each["display"], "off": first["query_string"]} for each in chosen]
    return found
