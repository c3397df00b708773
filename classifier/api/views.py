"""The API: photographs come in, readings go out, records can be listed."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar

from csp.decorators import csp_update
from django.db.models import Model, QuerySet
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from classifier import audit
from classifier.api import filters, serializers
from classifier.api.actor import actor_of
from classifier.api.pagination import NewestUploadFirst
from classifier.api.uploads import UploadSerializer
from classifier.models import Lesion, LesionImage, LesionReading, Patient, Prediction, Review, Status
from classifier.selectors import records
from classifier.services.codes import CodeWarning, warn_of_code
from classifier.services.intake import Receipt, receive_upload
from classifier.services.patients import Expected
from classifier.services.readings.queue import retry_prediction
from classifier.services.shown import note_shown
from classifier.services.upload import Upload
from ml.serve.image_limits import ImageRejected, check_size
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Capability
from skinsite.accounts.permissions import HasScope, IsMember
from skinsite.accounts.policies import may
from skinsite.audit.models import AuditEvent

log = logging.getLogger(__name__)

MULTIPART_OVERHEAD = 64_000
"""Bytes that a request may have beside its image: the other fields and the boundaries."""

LOCATION = [
    OpenApiParameter(
        "Location",
        OpenApiTypes.URI,
        OpenApiParameter.HEADER,
        response=[200, 201, 202],
        description=gettext_lazy("The address of the reading."),
    )
]


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

    def get_object(self) -> Any:
        """One record; that it was looked at is kept."""
        found = super().get_object()
        self.viewed(actor=actor_of(self.request), about=found, by="api")
        self._note_shown([found])
        return found

    def paginate_queryset(self, queryset: Any) -> Any:
        """One page of records; that it was given out is kept, and by which filters, though not for what they asked."""
        page = super().paginate_queryset(queryset)
        asked = self.request.query_params
        self.listed(actor=actor_of(self.request), shown=page or (), filters=asked)
        self._note_shown(page or ())
        return page

    def _note_shown(self, found: Iterable[Any]) -> None:
        if self.model in (Prediction, LesionReading):
            note_shown(actor=actor_of(self.request), shown=found)


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List patients")),
    retrieve=extend_schema(summary=gettext_lazy("Get a patient")),
)
class PatientViewSet(ClinicViewSet):
    """Patients of the clinic."""

    model = Patient
    rows_of = staticmethod(records.patients_of)
    viewed, listed = staticmethod(audit.patient_viewed), staticmethod(audit.patients_listed)
    serializer_class = serializers.PatientSerializer
    filterset_class = filters.PatientFilter


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List lesions")),
    retrieve=extend_schema(summary=gettext_lazy("Get a lesion")),
)
class LesionViewSet(ClinicViewSet):
    """Lesions of the clinic's patients."""

    model = Lesion
    rows_of = staticmethod(records.lesions_of)
    viewed, listed = staticmethod(audit.lesion_viewed), staticmethod(audit.lesions_listed)
    serializer_class = serializers.LesionSerializer
    filterset_class = filters.LesionFilter


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List photographs")),
    retrieve=extend_schema(summary=gettext_lazy("Get a photograph's record")),
)
class ImageViewSet(ClinicViewSet):
    """Photographs of the clinic's lesions, those entered in error included and marked."""

    model = LesionImage
    rows_of = staticmethod(records.images_of)
    viewed, listed = staticmethod(audit.image_viewed), staticmethod(audit.images_listed)
    serializer_class = serializers.ImageSerializer
    filterset_class = filters.ImageFilter
    pagination_class = NewestUploadFirst


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List reviews")),
    retrieve=extend_schema(summary=gettext_lazy("Get a review")),
)
class ReviewViewSet(ClinicViewSet):
    """Reviews of the clinic's readings."""

    model = Review
    rows_of = staticmethod(records.reviews_of)
    viewed, listed = staticmethod(audit.review_viewed), staticmethod(audit.reviews_listed)
    serializer_class = serializers.ReviewSerializer
    filterset_class = filters.ReviewFilter


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List readings")),
    retrieve=extend_schema(summary=gettext_lazy("Get a reading")),
)
class PredictionViewSet(ClinicViewSet):
    """Readings of the clinic's photographs."""

    model = Prediction
    rows_of = staticmethod(records.readings_of)
    viewed, listed = staticmethod(audit.prediction_viewed), staticmethod(audit.predictions_listed)
    serializer_class = serializers.PredictionSerializer
    filterset_class = filters.PredictionFilter
    parser_classes = [MultiPartParser]
    needs = {
        "list": [Capability.READ_RECORDS],
        "retrieve": [Capability.READ_RECORDS, Capability.ADD_RECORDS],
        "create": [Capability.ADD_RECORDS],
        "retry": [Capability.CORRECT_RECORDS],
    }

    def get_queryset(self) -> QuerySet[Any]:
        """What the actor may see; of what may send and not read, the answers to what it has sent."""
        if getattr(self, "swagger_fake_view", False) or may(actor_of(self.request), Capability.READ_RECORDS):
            return super().get_queryset()
        return records.answers_to(actor_of(self.request))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what declares itself too long before anything, even the session's CSRF check, reads it."""
        if request.method == "POST":
            told = request.META.get("CONTENT_LENGTH") or "0"
            if not (told.isascii() and told.isdecimal()):
                raise ParseError
            length = int(told)
            try:
                check_size(length - MULTIPART_OVERHEAD)
            except ImageRejected:
                log.warning("An upload of %d bytes was refused by its length", length)
                raise
        super().initial(request, *args, **kwargs)

    @property
    def throttle_scope(self) -> str:  # type: ignore[override] # the rate depends on the action
        """Uploads, and what else makes readings, have a rate of their own."""
        return "uploads" if self.action in ("create", "retry") else "reads"

    @extend_schema(
        summary=gettext_lazy("Read a photograph"),
        description=gettext_lazy(
            "Send a photograph, get its reading. The same file for the same lesion, or for no lesion, "
            "is answered with the reading that it has: sending again after a broken connection is safe. "
            "Where that reading failed, the photograph is read again. "
            "That answer changes nothing, whatever `modality`, `declared` or `body_site` comes with it; "
            "a wrong modality or declaration is corrected on the reading's page. "
            "A field that is not listed here, or one of a single value that is sent twice, is refused."
        ),
        request={"multipart/form-data": UploadSerializer},
        parameters=LOCATION,
        responses={
            200: OpenApiResponse(
                serializers.UploadAnswerSerializer, gettext_lazy("The reading that this file already has.")
            ),
            201: OpenApiResponse(serializers.UploadAnswerSerializer, gettext_lazy("A finished reading.")),
            202: OpenApiResponse(
                serializers.UploadAnswerSerializer,
                gettext_lazy(
                    "Kept, and not read yet: ask again at the address in `Location`. "
                    "`waiting_for` says what is missing, if anything is. "
                    "Where `status` is `failed`, `reason` says why."
                ),
            ),
        },
    )
    def create(self, request: Request) -> Response:
        """Keep the photograph and read it."""
        serializer = UploadSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        fields = dict(serializer.validated_data)
        upload, may_create = fields.pop("image"), fields.pop("create_patient")
        receipt = receive_upload(
            actor=actor_of(request),
            upload=Upload(
                data=upload.read(),
                original_name=upload.name or "",
                expected=Expected.EITHER if may_create else Expected.KNOWN,
                **fields,
            ),
        )
        warnings = self._warnings(receipt, fields.get("patient_code", ""))
        code = None if receipt.created else status.HTTP_200_OK
        return self._answer(receipt.prediction, code, serializers.UploadAnswerSerializer, warnings=warnings)

    @extend_schema(
        summary=gettext_lazy("Read a photograph again"),
        description=gettext_lazy(
            "Ask again for a reading that failed: the failed one stays, and a new one is made. One that waits is "
            "handed over once more. Sending the photograph again does the same."
        ),
        request=None,
        parameters=LOCATION,
        responses={
            200: OpenApiResponse(serializers.PredictionSerializer, gettext_lazy("It has been read again already.")),
            201: OpenApiResponse(serializers.PredictionSerializer, gettext_lazy("A finished reading.")),
            202: OpenApiResponse(
                serializers.PredictionSerializer, gettext_lazy("Queued: ask again at the address in `Location`.")
            ),
        },
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **_address: Any) -> Response:
        """Read the photograph of a failed reading again."""
        failed: Prediction = GenericViewSet.get_object(self)  # of which nothing is told; of the new reading all is
        known = set(failed.image.predictions.values_list("pk", flat=True))
        again = retry_prediction(actor=actor_of(request), prediction=failed)
        is_old_answer = again.pk in known - {failed.pk} and again.status == Status.DONE
        self.viewed(actor=actor_of(request), about=again, by="api")
        return self._answer(again, status.HTTP_200_OK if is_old_answer else None)

    def _answer(
        self,
        prediction: Prediction,
        code: int | None,
        serializer: type[serializers.PredictionSerializer] = serializers.PredictionSerializer,
        **context: object,
    ) -> Response:
        """Give a reading with its address; 201 when it is done and 202 otherwise, unless told."""
        # Not `get_queryset`: whoever sends a photograph that is here already gets the reading that it has.
        found = self.rows_of(actor_of(self.request)).get(pk=prediction.pk)
        self._note_shown([found])
        answer = serializer(found, context={**self.get_serializer_context(), **context}).data
        code = code or (status.HTTP_201_CREATED if found.status == Status.DONE else status.HTTP_202_ACCEPTED)
        return Response(answer, status=code, headers={"Location": answer["links"]["self"]})

    def _warnings(self, receipt: Receipt, sent_code: str) -> list[CodeWarning]:
        """What a person should look at of the photograph, and of a patient created under the code that was sent."""
        if not receipt.new_patient or not sent_code.strip():
            return list(receipt.warnings)
        patient = receipt.prediction.image.lesion.patient
        text = _("There was no patient “%(code)s”: a new one has been created.") % {"code": patient.code}
        return [
            CodeWarning("new_patient", text),
            *warn_of_code(actor_of(self.request), patient.code, patient=patient),
            *receipt.warnings,
        ]


@method_decorator(
    # Swagger UI writes style attributes. Scripts stay those of the site.
    csp_update({"style-src": "'unsafe-inline'"}),
    name="dispatch",
)
class DocumentationView(SpectacularSwaggerSplitView):
    """The readable description in the frame of the site, from files of the site alone."""

    url_name = "api-schema"
    http_method_names = ["get", "head"]
    template_name = "api/docs.html"
    authentication_classes = [SessionAuthentication]  # whose page it is: the description is the same for everybody


class NoSuchAddress(APIView):
    """Answers every address under /api/ that leads nowhere, as a problem too."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []
    schema = None

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:
        """Say so, whatever the method."""
        text = _("There is nothing at %(path)s. Addresses end with a slash; /api/v1/docs/ lists them.")
        raise NotFound(text % {"path": request.path})
