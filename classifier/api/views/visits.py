"""Visits, examinations of lesions at them, and what models make of these."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from classifier import audit
from classifier.api import filters
from classifier.api.actor import actor_of
from classifier.api.serializers.lesion_readings import LesionReadingSerializer
from classifier.api.serializers.visits import (
    ExaminationSerializer,
    FindingsSerializer,
    NewExaminationSerializer,
    NewVisitSerializer,
    VisitFieldsSerializer,
    VisitSerializer,
)
from classifier.api.views.base import ClinicViewSet
from classifier.models import Examination, LesionImage, LesionReading, Visit
from classifier.selectors import visits
from classifier.services.visits import create_examination, create_visit, update_examination, update_visit
from skinsite.accounts.models import Capability

WRITES = {**ClinicViewSet.needs, "create": [Capability.CORRECT_RECORDS], "partial_update": [Capability.CORRECT_RECORDS]}
METHODS = ["get", "head", "post", "patch"]


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
    http_method_names = METHODS
    needs = WRITES

    @extend_schema(summary=gettext_lazy("Create a visit"), request=NewVisitSerializer, responses={201: VisitSerializer})
    def create(self, request: Request) -> Response:
        """Write a visit of a patient."""
        said = self.read_sent(NewVisitSerializer)
        visit = create_visit(actor=actor_of(request), patient=said.pop("patient"), said=said)
        return self.answer_written(visit, status.HTTP_201_CREATED)

    @extend_schema(
        summary=gettext_lazy("Change a visit"), request=VisitFieldsSerializer, responses={200: VisitSerializer}
    )
    def partial_update(self, request: Request, **_address: Any) -> Response:
        """Change what is said of a visit; what belongs to it stays."""
        visit: Visit = GenericViewSet.get_object(self)
        return self.answer_written(
            update_visit(actor=actor_of(request), visit=visit, said=self.read_sent(VisitFieldsSerializer))
        )


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
    http_method_names = METHODS
    needs = WRITES

    @extend_schema(
        summary=gettext_lazy("Create an examination"),
        request=NewExaminationSerializer,
        responses={201: ExaminationSerializer},
    )
    def create(self, request: Request) -> Response:
        """Write a visit's look at a lesion; photographs come to it by their upload."""
        said = self.read_sent(NewExaminationSerializer)
        made = create_examination(
            actor=actor_of(request), visit=said.pop("visit"), lesion=said.pop("lesion"), said=said
        )
        return self.answer_written(made, status.HTTP_201_CREATED)

    @extend_schema(
        summary=gettext_lazy("Change an examination"),
        request=FindingsSerializer,
        responses={200: ExaminationSerializer},
    )
    def partial_update(self, request: Request, **_address: Any) -> Response:
        """Change what was told and seen of the lesion."""
        examination: Examination = GenericViewSet.get_object(self)
        said = self.read_sent(FindingsSerializer)
        return self.answer_written(update_examination(actor=actor_of(request), examination=examination, said=said))

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
