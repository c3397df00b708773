"""Readings for a clinic's reviewers and administrators: to look at, and to give an opinion on."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from classifier.admin.corrections import corrections_in_words
from classifier.admin.filters import ModelFilter, ReviewedFilter, StandingFilter
from classifier.admin.forms import ReviewForm
from classifier.disclosure.readings import open_reading, record_overseen
from classifier.models import Prediction, Standing, Status
from classifier.models.prediction import PredictionQuerySet
from classifier.presentation.wording import HEAT_MAP_SENTENCE, SAFETY_SENTENCE, SEVEN_SENTENCE, class_name
from classifier.selectors.history import SEARCHED, listed_readings, search_condition
from classifier.services.reviews import add_review
from ml.taxonomy import CLASSES
from skinsite.accounts.actors import Actor
from skinsite.accounts.oversight import PublicChangeList, ReadOnlyAdmin, overseer


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    """The readings of the acting clinic."""

    list_display = ("thumbnail", "patient", "outcome_badge", "malignant_sum", "state", "review", "model_column", "date")
    list_display_links = ("patient",)  # a picture is no name for a link
    list_filter = (
        "outcome",
        "status",
        "modality",
        ReviewedFilter,
        ModelFilter,
        StandingFilter,
        ("created_at", admin.DateFieldListFilter),
    )
    search_fields = SEARCHED
    search_help_text = _("Patient code, lesion or file name")
    ordering = ("-created_at", "-pk")

    def may_see(self, request: HttpRequest) -> bool:
        """For reviewers and administrators; a superuser sees no patient data."""
        return overseer(request) is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Prediction]:
        """The readings of the clinic."""
        actor, every = overseer(request), cast("PredictionQuerySet", super().get_queryset(request))
        return every.none() if actor is None else listed_readings(actor)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list; that it was given out is kept."""
        response = super().changelist_view(request, extra_context)
        shown = (getattr(response, "context_data", None) or {}).get("cl")  # none when the address made no sense
        actor = overseer(request)
        if shown is not None and actor is not None:
            record_overseen(actor, shown.result_list, filters=shown.params)
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Prediction], search_term: str
    ) -> tuple[QuerySet[Prediction], bool]:
        """Search as people's own list of readings does; no row comes twice."""
        return queryset.filter(search_condition(search_term)), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One reading with everything that produced it, and the form for an opinion."""
        actor = overseer(request)
        if actor is None:
            raise PermissionDenied
        prediction = _find_reading(actor, object_id)
        form = ReviewForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and _review(actor, prediction, form):
            messages.success(request, _("Your opinion is saved."))
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": prediction,
            "title": prediction.image.lesion.patient.code,
            "prediction": prediction,
            "image": prediction.image,
            "lesion": prediction.image.lesion,
            "patient": prediction.image.lesion.patient,
            "heat_map_sentence": HEAT_MAP_SENTENCE,
            "next_to_review": self._next_to_review(request, prediction),
            "numbers": _raw_numbers(prediction),
            "corrections": corrections_in_words(actor, prediction.image),
            "seven_sentence": SEVEN_SENTENCE,
            "safety_sentence": SAFETY_SENTENCE,
            "may_review": prediction.status == Status.DONE and prediction.image.entered_in_error_at is None,
            "form": form,
            **(extra_context or {}),
        }
        return render(request, "admin/classifier/prediction/change_form.html", context)

    def _next_to_review(self, request: HttpRequest, prediction: Prediction) -> str:
        """The page of the next older reading that is finished and that nobody has given an opinion on."""
        readings = cast("PredictionQuerySet", self.get_queryset(request)).standing(Standing.VALID)
        waiting = readings.filter(Q(is_reviewed=False), status=Status.DONE, pk__lt=prediction.pk)
        following = waiting.order_by("-pk").values_list("public_id", flat=True).first()
        return reverse("admin:classifier_prediction_change", args=[following]) if following else ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Rows lead to the UUID."""
        return PublicChangeList

    @admin.display(description=_("photograph"))
    def thumbnail(self, prediction: Prediction) -> SafeString:
        """The photograph, small."""
        return _cell("thumbnail", prediction)

    @admin.display(description=_("patient"), ordering="image__examination__lesion__patient__code")
    def patient(self, prediction: Prediction) -> SafeString:
        """The patient's code, the lesion, and whether the photograph still counts."""
        return _cell("patient", prediction)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_badge(self, prediction: Prediction) -> SafeString:
        """Colour, shape and word."""
        return _cell("outcome", prediction)

    @admin.display(description=_("malignant sum"), ordering="malignant_probability")
    def malignant_sum(self, prediction: Prediction) -> SafeString:
        """MEL + BCC + AKIEC, where it is told."""
        return _cell("malignant_sum", prediction)

    @admin.display(description=_("status"), ordering="status")
    def state(self, prediction: Prediction) -> str:
        """How far it is."""
        return str(prediction.get_status_display())

    @admin.display(description=_("review"))
    def review(self, prediction: Prediction) -> SafeString:
        """Whether anybody has given an opinion."""
        return _cell("review", prediction)

    @admin.display(description=_("model"))
    def model_column(self, prediction: Prediction) -> str:
        """Which version read."""
        return str(prediction.model_version or "–")

    @admin.display(description=_("date"), ordering="created_at")
    def date(self, prediction: Prediction) -> SafeString:
        """When it was asked for."""
        return _cell("date", prediction)


def _cell(name: str, prediction: Prediction) -> SafeString:
    return render_to_string(f"admin/classifier/prediction/cells/{name}.html", {"prediction": prediction})


def _find_reading(actor: Actor, public_id: str) -> Prediction:
    """The reading with everything that belongs to it; what the actor may not see is not there."""
    try:
        return open_reading(actor, UUID(public_id), by="admin").prediction
    except ValueError as error:
        raise Http404 from error


@dataclass(frozen=True, slots=True)
class NumberRow:
    """The raw numbers of one class: probability and balanced score where they are told, then a logit a view."""

    code: str
    name: str
    values: tuple[float, ...]


def _raw_numbers(prediction: Prediction) -> list[NumberRow]:
    if prediction.logits is None:
        return []
    told = [prediction.probabilities, prediction.balanced_scores] if prediction.shows_probabilities else []
    columns = zip(*told, *prediction.logits, strict=True)
    return [
        NumberRow(code, class_name(code), values)
        for code, values in zip(prediction.classes or CLASSES, columns, strict=True)
    ]


def _review(actor: Actor, prediction: Prediction, form: ReviewForm) -> bool:
    """Hand the opinion to the service; what it refuses is shown in the form."""
    try:
        add_review(actor=actor, prediction=prediction, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    return True
