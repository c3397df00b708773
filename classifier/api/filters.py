"""What lists can be narrowed by."""

import re
from datetime import UTC, date, datetime
from typing import Any, cast

from django import forms
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from classifier.anatomy.sites import Side
from classifier.api.actor import actor_of
from classifier.models import (
    BodySite,
    Certainty,
    Diagnosis,
    Examination,
    Lesion,
    LesionImage,
    LesionReading,
    LesionState,
    Modality,
    Outcome,
    Patient,
    Prediction,
    Purpose,
    Review,
    Sex,
    Standing,
    Status,
    Visit,
)
from classifier.models.prediction import PredictionQuerySet
from classifier.selectors.history import is_reviewed
from skinsite.text import clean_line, fold_line
from skinsite.zones import start_of_day

FROM = gettext_lazy(
    "At or after this time (ISO 8601; a date alone, or a time without zone, is of the clinic's time zone)."
)
BEFORE = gettext_lazy(
    "Before this time (ISO 8601; a date alone, or a time without zone, is of the clinic's time zone)."
)
FROM_DAY, BEFORE_DAY = gettext_lazy("On this day or later (YYYY-MM-DD)."), gettext_lazy("Before this day (YYYY-MM-DD).")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class KnownFilterBackend(filters.DjangoFilterBackend):  # type: ignore[misc] # the library ships no types
    """Refuses a filter that the list does not have, that is empty, or that is given twice though it takes one value.

    The first two would give every row in silence, the last would drop rows that were asked for.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        """Apply the filters of the query string."""
        filter_class = self.get_filterset_class(view, queryset)
        if filter_class is not None:
            known = {*filter_class.base_filters, "cursor", "page_size"}
            unknown = set(request.query_params) - known
            if unknown:
                text = _("There is no such filter. Known ones: %(names)s.") % {"names": ", ".join(sorted(known))}
                raise ValidationError({name: [text] for name in sorted(unknown)}, code="unknown_filter")
            given = dict(request.query_params.lists())
            empty = [name for name, values in given.items() if not all(values)]
            if empty:
                raise ValidationError({name: [_("Give a value, or leave it out.")] for name in empty}, code="blank")
            filters_here = filter_class.base_filters
            repeated = [
                name
                for name, values in given.items()
                if len(values) > 1 and not isinstance(filters_here.get(name), AnyOfFilter)
            ]
            if repeated:
                text = _("Give this filter once.")
                raise ValidationError({name: [text] for name in repeated}, code="repeated_filter")
        with timezone.override(actor_of(request).clinic.zone):
            narrowed: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return narrowed


SEEN_TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\x00]+$"}
"""A text to look for; no database takes a null character."""


@extend_schema_field(bool)
class YesOrNoFilter(filters.TypedChoiceFilter):  # type: ignore[misc] # the library ships no types
    """`true` or `false`; anything else is an error, where the library's own filter would give every row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [(word, word) for word in ("true", "false")]
        super().__init__(*args, choices=choices, coerce=lambda word: word == "true", **kwargs)


class AnyOfFilter(filters.MultipleChoiceFilter):  # type: ignore[misc] # the library ships no types
    """Rows with one of the values given: the filter is repeated for several."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", gettext_lazy("Repeat it for rows with any of several values."))
        super().__init__(*args, distinct=False, **kwargs)


@extend_schema_field(SEEN_TEXT)
class CodeFilter(filters.CharFilter):  # type: ignore[misc] # the library ships no types
    """A code, whole and in any case."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("code_key", *args, **kwargs)

    def filter(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Patients of this code."""
        key = fold_line(value)
        if value and not key:  # signs that nobody sees: no code, which is not every code
            return queryset.none()
        narrowed: QuerySet[Any] = super().filter(queryset, key)
        return narrowed


@extend_schema_field(SEEN_TEXT)
class ExternalIdFilter(filters.CharFilter):  # type: ignore[misc] # the library ships no types
    """The caller's own identifier, whole and as it was given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", gettext_lazy("Your own identifier, whole."))
        super().__init__("external_id", *args, **kwargs)

    def filter(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Records of this identifier; of one that nobody sees, none."""
        line = clean_line(value)
        if value and not line:
            return queryset.none()
        narrowed: QuerySet[Any] = super().filter(queryset, line)
        return narrowed


class DayFilter(filters.DateFilter):  # type: ignore[misc] # the library ships no types
    """Rows by a day in ISO 8601."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, input_formats=["%Y-%m-%d"], **kwargs)


class CalendarTimeField(IsoDateTimeField):  # type: ignore[misc] # the library ships no types
    """A time that is still on the calendar in UTC."""

    def to_python(self, value: Any) -> datetime | None:
        """Read the time, in UTC; a date alone is the start of its day in the clinic's time zone."""
        if isinstance(value, str) and DATE.fullmatch(value.strip()):
            try:
                return start_of_day(date.fromisoformat(value.strip()))
            except ValueError as error:
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class TimeFilter(filters.IsoDateTimeFilter):  # type: ignore[misc] # the library ships no types
    """Rows by a time in ISO 8601."""

    field_class = CalendarTimeField


class PatientFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Patients by code, sex and time of creation."""

    code = CodeFilter(help_text=gettext_lazy("The whole code, in any case."))
    external_id = ExternalIdFilter()
    sex = AnyOfFilter(choices=Sex.choices)
    created_from = TimeFilter("created_at", "gte", help_text=FROM)
    created_before = TimeFilter("created_at", "lt", help_text=BEFORE)

    class Meta:
        model = Patient
        fields: list[str] = []


class LesionFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Lesions by patient, place, state, the caller's own identifier and time of creation."""

    patient = filters.UUIDFilter("patient__public_id")
    body_site = AnyOfFilter(choices=BodySite.choices)
    side = AnyOfFilter(choices=Side.choices)
    state = AnyOfFilter(choices=LesionState.choices)
    external_id = ExternalIdFilter()
    created_from = TimeFilter("created_at", "gte", help_text=FROM)
    created_before = TimeFilter("created_at", "lt", help_text=BEFORE)

    class Meta:
        model = Lesion
        fields: list[str] = []


class VisitFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Visits by patient, day, purpose and the caller's own identifier."""

    patient = filters.UUIDFilter("patient__public_id")
    purpose = AnyOfFilter(choices=Purpose.choices)
    external_id = ExternalIdFilter()
    day_from = DayFilter("day", "gte", help_text=FROM_DAY)
    day_before = DayFilter("day", "lt", help_text=BEFORE_DAY)
    created_from = TimeFilter("created_at", "gte", help_text=FROM)
    created_before = TimeFilter("created_at", "lt", help_text=BEFORE)

    class Meta:
        model = Visit
        fields: list[str] = []


class ExaminationFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Examinations by what they are of, the day of the visit, and the outcome that holds."""

    patient = filters.UUIDFilter("visit__patient__public_id")
    visit = filters.UUIDFilter("visit__public_id")
    lesion = filters.UUIDFilter("lesion__public_id")
    outcome = AnyOfFilter("reading__outcome", choices=Outcome.choices)
    day_from = DayFilter("visit__day", "gte", help_text=FROM_DAY)
    day_before = DayFilter("visit__day", "lt", help_text=BEFORE_DAY)
    created_from = TimeFilter("created_at", "gte", help_text=FROM)
    created_before = TimeFilter("created_at", "lt", help_text=BEFORE)

    class Meta:
        model = Examination
        fields: list[str] = []


class LesionReadingFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Lesion readings by what they are of, what they say, and whether they hold."""

    patient = filters.UUIDFilter("examination__visit__patient__public_id")
    visit = filters.UUIDFilter("examination__visit__public_id")
    lesion = filters.UUIDFilter("examination__lesion__public_id")
    examination = filters.UUIDFilter("examination__public_id")
    model = filters.UUIDFilter("model_version__public_id")
    outcome = AnyOfFilter(choices=Outcome.choices)
    in_force = YesOrNoFilter("in_force_of", "isnull", exclude=True, help_text=gettext_lazy("Whether it counts."))
    created_from = TimeFilter("created_at", "gte", help_text=FROM)
    created_before = TimeFilter("created_at", "lt", help_text=BEFORE)

    class Meta:
        model = LesionReading
        fields: list[str] = []


class ImageFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Photographs by where they belong, how they were taken, and when they came."""

    lesion = filters.UUIDFilter("examination__lesion__public_id")
    patient = filters.UUIDFilter("examination__lesion__patient__public_id")
    visit = filters.UUIDFilter("examination__visit__public_id")
    examination = filters.UUIDFilter("examination__public_id")
    external_id = ExternalIdFilter()
    modality = filters.ChoiceFilter(choices=Modality.choices)
    entered_in_error = YesOrNoFilter("entered_in_error_at", "isnull", exclude=True)
    taken_from = DayFilter("taken_on", "gte", help_text=FROM_DAY)
    taken_before = DayFilter("taken_on", "lt", help_text=BEFORE_DAY)
    uploaded_from = TimeFilter("uploaded_at", "gte", help_text=FROM)
    uploaded_before = TimeFilter("uploaded_at", "lt", help_text=BEFORE)

    class Meta:
        model = LesionImage
        fields: list[str] = []


class PredictionFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Readings by what they are of, what they say, what made them, and when they were asked for."""

    image = filters.UUIDFilter("image__public_id")
    lesion = filters.UUIDFilter("image__examination__lesion__public_id")
    patient = filters.UUIDFilter("image__examination__lesion__patient__public_id")
    visit = filters.UUIDFilter("image__examination__visit__public_id")
    examination = filters.UUIDFilter("image__examination__public_id")
    model = filters.UUIDFilter("model_version__public_id")
    status = AnyOfFilter(choices=Status.choices)
    outcome = AnyOfFilter(choices=Outcome.choices)
    modality = filters.ChoiceFilter(choices=Modality.choices)
    entered_in_error = YesOrNoFilter("image__entered_in_error_at", "isnull", exclude=True)
    standing = filters.ChoiceFilter(
        choices=Standing.choices, method="filter_standing", help_text=gettext_lazy("Whether it counts.")
    )
    reviewed = YesOrNoFilter(method="filter_reviewed", help_text=gettext_lazy("Whether it has a review."))
    created_from = TimeFilter("created_at", "gte", help_text=FROM)
    created_before = TimeFilter("created_at", "lt", help_text=BEFORE)

    class Meta:
        model = Prediction
        fields: list[str] = []

    def filter_standing(self, queryset: QuerySet[Model], _name: str, value: str) -> QuerySet[Model]:
        """Readings that count, or those that do not."""
        return cast("QuerySet[Model]", cast("PredictionQuerySet", queryset).standing(value))

    def filter_reviewed(self, queryset: QuerySet[Model], _name: str, value: bool) -> QuerySet[Model]:  # noqa: FBT001 the library's signature
        """Readings with a review, or those without."""
        return queryset.filter(is_reviewed()) if value else queryset.filter(~is_reviewed())


class ReviewFilter(filters.FilterSet):  # type: ignore[misc] # the library ships no types
    """Reviews by reading, opinion and time."""

    prediction = filters.UUIDFilter("prediction__public_id")
    diagnosis = AnyOfFilter(choices=Diagnosis.choices)
    certainty = AnyOfFilter(choices=Certainty.choices)
    created_from = TimeFilter("created_at", "gte", help_text=FROM)
    created_before = TimeFilter("created_at", "lt", help_text=BEFORE)

    class Meta:
        model = Review
        fields: list[str] = []
