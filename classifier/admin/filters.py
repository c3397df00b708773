"""How the list of readings narrows down."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from classifier.models import Prediction, Standing
from classifier.models.prediction import PredictionQuerySet
from classifier.selectors.history import EVERY_STANDING
from classifier.selectors.records import model_versions


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


class StandingFilter(admin.SimpleListFilter):
    """Readings that do not count are listed only when they are asked for."""

    title = _("readings that do not count")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Beside those that count, which are the default."""
        return [
            (Standing.SUPERSEDED, Standing.SUPERSEDED.label),
            (Standing.ENTERED_IN_ERROR, Standing.ENTERED_IN_ERROR.label),
            (EVERY_STANDING, _("All")),
        ]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The choice of nothing in particular shows those that count, and says so."""
        default, *others = super().choices(changelist)
        yield {**default, "display": _("Left out")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction]:
        """Leave them out, or give them alone."""
        if self.value() == EVERY_STANDING:
            return queryset
        return cast("PredictionQuerySet", queryset).standing(self.value() or Standing.VALID)


class ModelFilter(admin.SimpleListFilter):
    """By the model that read."""

    title = _("model")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every version registered here; they are few."""
        versions = model_versions().order_by("-registered_at").only("public_id", "name", "version")
        return [(str(version.public_id), str(version)) for version in versions]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> QuerySet[Prediction]:
        """Ignore an identifier that is none of theirs."""
        known = {key for key, _title in self.lookup_choices}
        chosen = self.value() or ""
        return queryset.filter(model_version__public_id=chosen) if chosen in known else queryset
