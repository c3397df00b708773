"""How the list of readings narrows down."""

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
