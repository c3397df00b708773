"""What the API gives of visits and of examinations."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api.fields import (
    KnownFields,
    NamedChoiceField,
    VisibleLesionField,
    VisiblePatientField,
    VisibleVisitField,
)
from classifier.api.linked import LinkedSerializer
from classifier.api.serializers.lesion_readings import LesionReadingSerializer
from classifier.api.serializers.records import ImageSerializer
from classifier.models import Examination, Indication, Purpose, Scope, Seen, Visit
from classifier.models.examination import HISTORY, SIGNS
from classifier.models.patient import EXTERNAL_ID_LENGTH
from classifier.models.visit import PHOTOGRAPHER_LENGTH
from classifier.services.visits import SAID_OF_A_VISIT


class VisitFieldsSerializer(KnownFields):
    """What may be said of a visit. What is left out stays as it is."""

    day = serializers.DateField(required=False, help_text=_("In the clinic's time zone; today for a new one."))
    purpose = NamedChoiceField(choices=Purpose.choices, required=False)
    indication = NamedChoiceField(choices=Indication.choices, required=False, allow_blank=True)
    scope = NamedChoiceField(choices=Scope.choices, required=False, allow_blank=True)
    seen = NamedChoiceField(choices=Seen.choices, required=False, allow_blank=True)
    photographed_by = serializers.CharField(required=False, allow_blank=True, max_length=PHOTOGRAPHER_LENGTH)
    external_id = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=EXTERNAL_ID_LENGTH,
        help_text=_("Your own identifier of the visit, unique in the clinic."),
    )


class NewVisitSerializer(VisitFieldsSerializer):
    """A visit to create."""

    patient = VisiblePatientField()


class FindingsSerializer(KnownFields):
    """What may be said of a lesion at a visit. What is left out stays as it is; null says that it was not asked."""

    is_new = serializers.BooleanField(required=False, allow_null=True)
    has_changed = serializers.BooleanField(required=False, allow_null=True)
    bleeds = serializers.BooleanField(required=False, allow_null=True)
    itches = serializers.BooleanField(required=False, allow_null=True)
    is_raised = serializers.BooleanField(required=False, allow_null=True)
    is_firm = serializers.BooleanField(required=False, allow_null=True)
    is_growing = serializers.BooleanField(required=False, allow_null=True)
    is_ulcerated = serializers.BooleanField(required=False, allow_null=True)
    is_ugly_duckling = serializers.BooleanField(required=False, allow_null=True)
    is_pigmented = serializers.BooleanField(required=False, allow_null=True)
    diameter_mm = serializers.DecimalField(
        required=False,
        allow_null=True,
        max_digits=5,
        decimal_places=1,
        min_value=Decimal("0.1"),
        coerce_to_string=False,
        help_text=_("The longest diameter, in millimetres, to a tenth."),
    )


class NewExaminationSerializer(FindingsSerializer):
    """An examination to create."""

    visit = VisibleVisitField()
    lesion = VisibleLesionField()


class VisitLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a visit."""

    self = serializers.URLField()
    patient = serializers.URLField()
    examinations = serializers.URLField()
    images = serializers.URLField()


class VisitSerializer(LinkedSerializer):
    """A visit of a patient. What is empty was not said."""

    patient = serializers.UUIDField(source="patient.public_id", read_only=True)
    indication = serializers.ChoiceField(choices=Indication.choices, allow_blank=True, read_only=True)
    scope = serializers.ChoiceField(choices=Scope.choices, allow_blank=True, read_only=True)
    seen = serializers.ChoiceField(choices=Seen.choices, allow_blank=True, read_only=True)
    links = serializers.SerializerMethodField()

    class Meta:
        model = Visit
        fields = ["id", "patient", *SAID_OF_A_VISIT, "created_at", "links"]
        read_only_fields = fields

    @extend_schema_field(VisitLinksSerializer)
    def get_links(self, visit: Visit) -> dict[str, str]:
        """Links of a visit."""
        identifier = visit.public_id
        return {
            "self": self.link("api-visit-detail", identifier),
            "patient": self.link("api-patient-detail", visit.patient.public_id),
            "examinations": self.link("api-examination-list", query={"visit": identifier}),
            "images": self.link("api-image-list", query={"visit": identifier}),
        }


class ExaminationLinksSerializer(serializers.Serializer[Any]):
    """Where to go from an examination."""

    self = serializers.URLField()
    visit = serializers.URLField()
    lesion = serializers.URLField()
    patient = serializers.URLField()
    predictions = serializers.URLField()


class ExaminationSerializer(LinkedSerializer):
    """A visit's look at one lesion. What is null was not asked."""

    visit = serializers.UUIDField(source="visit.public_id", read_only=True)
    lesion = serializers.UUIDField(source="lesion.public_id", read_only=True)
    patient = serializers.UUIDField(source="visit.patient.public_id", read_only=True)
    diameter_mm = serializers.FloatField(read_only=True, allow_null=True)
    images = ImageSerializer(many=True, read_only=True, help_text=_("Its photographs, the oldest first."))
    is_waiting = serializers.BooleanField(
        read_only=True, help_text=_("Whether a photograph is still to be read: `lesion_reading` may then change.")
    )
    lesion_reading = serializers.SerializerMethodField()
    superseded = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Examination
        fields = [
            "id",
            "visit",
            "lesion",
            "patient",
            *HISTORY,
            *SIGNS,
            "diameter_mm",
            "images",
            "is_waiting",
            "lesion_reading",
            "superseded",
            "created_at",
            "links",
        ]
        read_only_fields = fields

    @extend_schema_field(LesionReadingSerializer(allow_null=True))
    def get_lesion_reading(self, examination: Examination) -> dict[str, Any] | None:
        """The reading that counts; null before the first one, and where no photograph is left."""
        in_force = (each for each in examination.readings.all() if each.pk == examination.reading_id)
        return next(iter(self._write(in_force)), None)

    @extend_schema_field(LesionReadingSerializer(many=True))
    def get_superseded(self, examination: Examination) -> list[dict[str, Any]]:
        """Its other readings, the newest first: history, and no answer."""
        return self._write([each for each in examination.readings.all() if each.pk != examination.reading_id])

    @extend_schema_field(ExaminationLinksSerializer)
    def get_links(self, examination: Examination) -> dict[str, str]:
        """Links of an examination."""
        identifier = examination.public_id
        return {
            "self": self.link("api-examination-detail", identifier),
            "visit": self.link("api-visit-detail", examination.visit.public_id),
            "lesion": self.link("api-lesion-detail", examination.lesion.public_id),
            "patient": self.link("api-patient-detail", examination.visit.patient.public_id),
            "predictions": self.link("api-prediction-list", query={"examination": identifier}),
        }

    def _write(self, readings: Any) -> list[dict[str, Any]]:
        return list(LesionReadingSerializer(list(readings), many=True, context=self.context).data)
