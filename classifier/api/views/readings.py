"""Readings: photographs come in, readings of photographs and of lesions go out."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from classifier import audit
from classifier.api import filters
from classifier.api.actor import actor_of
from classifier.api.serializers import readings
from classifier.api.uploads import UploadSerializer
from classifier.api.views.base import ClinicViewSet
from classifier.models import LesionImage, LesionReading, Prediction, Status
from classifier.selectors import records, visits
from classifier.services.codes import CodeWarning, warn_of_code
from classifier.services.intake import Receipt, receive_upload
from classifier.services.patients import Expected
from classifier.services.readings.queue import retry_prediction
from classifier.services.upload import Upload
from ml.serve.image_limits import ImageRejected, check_size
from skinsite.accounts.models import Capability
from skinsite.accounts.policies import may

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


@extend_schema_view(
    list=extend_schema(summary=gettext_lazy("List readings")),
    retrieve=extend_schema(summary=gettext_lazy("Get a reading")),
)
class PredictionViewSet(ClinicViewSet):
    """Readings of the clinic's photographs."""

    model = Prediction
    rows_of = staticmethod(records.readings_of)
    lesion_readings: Mapping[int, LesionReading] = {}
    photographs: Mapping[str, LesionImage] = {}
    viewed, listed = staticmethod(audit.prediction_viewed), staticmethod(audit.predictions_listed)
    serializer_class = readings.PredictionSerializer
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
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        actor = actor_of(self.request)
        is_reader = may(actor, Capability.READ_RECORDS)
        return visits.with_lesion_reading(records.readings_of(actor) if is_reader else records.answers_to(actor))

    def fetch_beside(self, rows: Sequence[Prediction]) -> Sequence[Model]:
        """The lesion readings of the examinations; of others' photographs none to what may only send."""
        actor = actor_of(self.request)
        found = visits.lesion_readings_beside(rows)
        self.photographs = visits.photographs_read(actor, found.values())
        if not may(actor, Capability.READ_RECORDS):
            own = self.photographs.keys()
            found = {pk: each for pk, each in found.items() if {one["prediction"] for one in each.inputs} <= own}
        self.lesion_readings = found
        return list(found.values())

    def get_serializer_context(self) -> dict[str, Any]:
        """With the lesion readings beside the rows, and the photographs that they are of."""
        told = {"lesion_readings": self.lesion_readings, "photographs": self.photographs}
        return {**super().get_serializer_context(), **told}

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
                readings.UploadAnswerSerializer, gettext_lazy("The reading that this file already has.")
            ),
            201: OpenApiResponse(readings.UploadAnswerSerializer, gettext_lazy("A finished reading.")),
            202: OpenApiResponse(
                readings.UploadAnswerSerializer,
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
        return self._answer(receipt.prediction, code, readings.UploadAnswerSerializer, warnings=warnings)

    @extend_schema(
        summary=gettext_lazy("Read a photograph again"),
        description=gettext_lazy(
            "Ask again for a reading that failed: the failed one stays, and a new one is made. One that waits is "
            "handed over once more. Sending the photograph again does the same."
        ),
        request=None,
        parameters=LOCATION,
        responses={
            200: OpenApiResponse(readings.PredictionSerializer, gettext_lazy("It has been read again already.")),
            201: OpenApiResponse(readings.PredictionSerializer, gettext_lazy("A finished reading.")),
            202: OpenApiResponse(
                readings.PredictionSerializer, gettext_lazy("Queued: ask again at the address in `Location`.")
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
        serializer: type[readings.PredictionSerializer] = readings.PredictionSerializer,
        **context: object,
    ) -> Response:
        """Give a reading with its address; 201 when it is done and 202 otherwise, unless told."""
        # Not `get_queryset`: whoever sends a photograph that is here already gets the reading that it has.
        found = visits.with_lesion_reading(records.readings_of(actor_of(self.request))).get(pk=prediction.pk)
        beside = self.fetch_beside([found])
        if len(self.photographs) > 1:  # others than the one that was sent
            audit.prediction_viewed(actor=actor_of(self.request), about=found, by="upload", also=beside)
        self._note_shown([found, *beside])
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
