"""The API's door for records: found by the rule of visibility, on the trail as they are given, noted as shown."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils.functional import SimpleLazyObject
from rest_framework import status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from classifier.api.actor import actor_of
from classifier.models import LesionReading, Prediction
from classifier.selectors.practice import practice_of
from classifier.services.shown import note_shown
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Capability
from skinsite.accounts.permissions import HasScope, IsMember
from skinsite.audit.models import AuditEvent


class ClinicViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Any]):
    """A list and its members, seen by the one rule of their model: what is not visible is not found.

    ``rows_of`` selects them for an actor; ``needs`` says one of which capabilities each action takes.
    """

    permission_classes = [IsMember, HasScope]
    needs: ClassVar[Mapping[str, Collection[Capability]]] = {
        "list": [Capability.READ_RECORDS],
        "retrieve": [Capability.READ_RECORDS],
    }

    model: type[Model]
    rows_of: Callable[[Actor], QuerySet[Any]]
    viewed: Callable[..., AuditEvent]
    listed: Callable[..., AuditEvent]
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    # Told in `Allow`: no other is answered.
    http_method_names = ["get", "head", "post"]
    throttle_scope = "reads"

    def get_queryset(self) -> QuerySet[Any]:
        """What the actor may see."""
        if getattr(self, "swagger_fake_view", False):
            return QuerySet(self.model).none()
        return self.rows_of(actor_of(self.request))

    def fetch_beside(self, rows: Sequence[Any]) -> Sequence[Model]:  # noqa: ARG002 of those that override it
        """Other records that the answer tells of with its rows."""
        return ()

    def get_serializer_context(self) -> dict[str, Any]:
        """With what the clinic says of its practice, looked up once it is asked for."""
        practice = SimpleLazyObject(lambda: practice_of(actor_of(self.request)))
        return {**super().get_serializer_context(), "practice": practice}

    def get_object(self) -> Any:
        """One record; that it was looked at is kept."""
        found = super().get_object()
        self._tell(found)
        return found

    def paginate_queryset(self, queryset: Any) -> Any:
        """One page of records; that it was given out is kept, and by which filters, though not for what they asked."""
        page = super().paginate_queryset(queryset)
        rows = page or []
        beside = self.fetch_beside(rows)
        also = {"also": beside} if beside else {}
        self.listed(actor=actor_of(self.request), shown=rows, filters=self.request.query_params, **also)
        self._note_shown([*rows, *beside])
        return page

    def read_sent(self, kind: type[Serializer[Any]]) -> dict[str, Any]:
        """What was sent, as fields of this kind. Raises ``ValidationError`` by field."""
        sent = kind(data=self.request.data, context=super().get_serializer_context())
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)

    def answer_written(self, record: Any, code: int = status.HTTP_200_OK) -> Response:
        """Give a record that was written, as it can be got from now on; of a new one with its address."""
        found = self.rows_of(actor_of(self.request)).get(pk=record.pk)
        self._tell(found)
        answer = self.get_serializer(found).data
        headers = {"Location": answer["links"]["self"]} if code == status.HTTP_201_CREATED else {}
        return Response(answer, status=code, headers=headers)

    def _tell(self, found: Any) -> None:
        """Keep that one record was looked at, and what stands beside it."""
        beside = self.fetch_beside([found])
        also = {"also": beside} if beside else {}
        self.viewed(actor=actor_of(self.request), about=found, by="api", **also)
        self._note_shown([found, *beside])

    def _note_shown(self, found: Iterable[Any]) -> None:
        told = [each for each in found if isinstance(each, (Prediction, LesionReading))]
        if told:
            note_shown(actor=actor_of(self.request), shown=told)
