"""Visits, examinations of lesions at them, and what models make of these."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_view

from classifier import audit
from classifier.api import filters
from classifier.api.actor import actor_of
from classifier.api.serializers.lesion_readings import LesionReadingSerializer
from classifier.api.serializers.visits import ExaminationSerializer, VisitSerializer
from classifier.api.views.base import ClinicViewSet
from classifier.models import Examination, LesionImage, LesionReading, Visit
from classifier.selectors import visits


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List visits")),
    retrieve=extend_schema(summary=gettext_lazy("Get a visit")),
)
class VisitViewSet(ClinicViewSet):
    """Visits of the clinic's patients."""

    model = Visit
    rows_of = staticmethod(visits.visits_of)
    viewed, listed = staticmethod(audit.visit_viewed), staticmethod(audit.visits_listed)
    serializer_class = VisitSerializer
    filterset_class = filters.VisitFilter


class LesionReadingsToldViewSet(ClinicViewSet):
    """Answers that tell of lesion readings, and so of the photographs that these are of."""

    photographs: Mapping[str, LesionImage]

    def fetch_beside(self, rows: Sequence[Any]) -> Sequence[Model]:
        """What the rows tell of beside themselves."""
        readings = self.readings_of_rows(rows)
        self.photographs = visits.photographs_read(actor_of(self.request), readings)
        photographs = dict.fromkeys(self.photographs.values())
        return [*readings, *photographs]

    def readings_of_rows(self, rows: Sequence[Any]) -> Sequence[LesionReading]:
        """The lesion readings that the rows tell of."""
        raise NotImplementedError

    def get_serializer_context(self) -> dict[str, Any]:
        """With the photographs that the lesion readings are of."""
        return {**super().get_serializer_context(), "photographs": getattr(self, "photographs", {})}


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List examinations")),
    retrieve=extend_schema(summary=gettext_lazy("Get an examination")),
)
class ExaminationViewSet(LesionReadingsToldViewSet):
    """Looks at the clinic's lesions, each with its photographs and readings."""

    model = Examination
    rows_of = staticmethod(visits.examinations_of)
    viewed, listed = staticmethod(audit.examination_viewed), staticmethod(audit.examinations_listed)
    serializer_class = ExaminationSerializer
    filterset_class = filters.ExaminationFilter

    def fetch_beside(self, rows: Sequence[Examination]) -> Sequence[Model]:
        """With the examinations' own photographs."""
        own = [image for each in rows for image in each.images.all()]
        return [*super().fetch_beside(rows), *own]

    def readings_of_rows(self, rows: Sequence[Examination]) -> Sequence[LesionReading]:
        """All that models have said of them."""
        return [reading for each in rows for reading in each.readings.all()]


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List lesion readings")),
    retrieve=extend_schema(summary=gettext_lazy("Get a lesion reading")),
)
class LesionReadingViewSet(LesionReadingsToldViewSet):
    """What models make of the photographs of an examination together."""

    model = LesionReading
    rows_of = staticmethod(visits.lesion_readings_of)
    viewed, listed = staticmethod(audit.lesion_reading_viewed), staticmethod(audit.lesion_readings_listed)
    serializer_class = LesionReadingSerializer
    filterset_class = filters.LesionReadingFilter

    def readings_of_rows(self, rows: Sequence[LesionReading]) -> Sequence[LesionReading]:
        """The rows themselves."""
        return rows
