"""How the list of readings narrows down."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from classifier.models import ModelVersion, Prediction


class ReviewedFilter(admin.SimpleListFilter):
    """Whether anybody has given an opinion."""

    title = _("review")
    parameter_name = "reviewed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Reviewed or not yet."""
        return [("no", _("Not reviewed")), ("yes", _("Reviewed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction]:
        """Ask the annotation of the list."""
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(Q(is_reviewed=self.value() == "yes"))  # Q: the annotation is none of the model's fields


class EnteredInErrorFilter(admin.SimpleListFilter):
    """Readings of photographs entered in error are listed only when they are asked for."""

    title = _("entered in error")
    parameter_name = "entered_in_error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Beside those in use, which are the default."""
        return [("yes", _("Entered in error")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The choice of nothing in particular shows those in use, and says so."""
        default, *others = super().choices(changelist)
        yield {**default, "display": _("In use")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction]:
        """Leave them out, or give them alone."""
        if self.value() == "all":
            return queryset
        return queryset.filter(image__entered_in_error_at__isnull=self.value() != "yes")


class ModelFilter(admin.SimpleListFilter):
    """By the model that read."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every version registered here; they are few."""
        versions = ModelVersion.objects.order_by("-registered_at").only("public_id", "name", "version")
        return [(str(version.public_id), str(version)) for version in versions]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction]:
        """Ignore an identifier that is none of theirs."""
        known = {key for key, _title in self.lookup_choices}
        chosen = self.value() or ""
        return queryset.filter(model_version__public_id=chosen) if chosen in known else queryset
