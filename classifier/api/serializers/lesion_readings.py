"""What the API gives of lesion readings: an examination's photographs taken together."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api.linked import CodedTextSerializer, LinkedSerializer
from classifier.api.serializers.models import ModelSerializer, ProbabilitiesSerializer, name_classes
from classifier.api.serializers.prevalence import AtPrevalenceSerializer, write_at_prevalence
from classifier.models import LesionImage, LesionReading
from classifier.presentation import wording
from classifier.presentation.lesion_wording import left_out_text, reason_text


class PhotographReadSerializer(serializers.Serializer[Any]):
    """A photograph as a lesion reading takes it."""

    image = serializers.UUIDField(allow_null=True)
    prediction = serializers.UUIDField(help_text=_("The reading of this photograph alone."))
    weight = serializers.FloatField(min_value=0, max_value=1, help_text=_("Its share; those of all add up to 1, or 0."))
    left_out = CodedTextSerializer(allow_null=True, help_text=_("Why it has no share; null where it has one."))


class LesionReadingLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a lesion reading."""

    self = serializers.URLField()
    examination = serializers.URLField()
    lesion = serializers.URLField()
    patient = serializers.URLField()


class LesionReadingSerializer(LinkedSerializer):
    """An examination's photographs taken together, by one model. It counts only while it is `in_force`."""

    examination = serializers.UUIDField(source="examination.public_id", read_only=True)
    lesion = serializers.UUIDField(source="examination.lesion.public_id", read_only=True)
    patient = serializers.UUIDField(source="examination.lesion.patient.public_id", read_only=True)
    in_force = serializers.BooleanField(
        source="is_in_force",
        read_only=True,
        help_text=_("False for one that is superseded, or whose examination has no photograph left: it is history."),
    )
    reason = serializers.SerializerMethodField()
    probabilities = serializers.SerializerMethodField()
    probabilities_at_prevalence = serializers.SerializerMethodField()
    prediction_set = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        allow_null=True,
        help_text=_("Codes of the classes among which the true one is to be found nine times in ten."),
    )
    named = serializers.ListField(
        child=serializers.UUIDField(), read_only=True, help_text=_("The photographs that `reason` speaks of.")
    )
    kept_from = serializers.SerializerMethodField()
    photographs = serializers.SerializerMethodField()
    model = ModelSerializer(source="model_version", allow_null=True, read_only=True)
    links = serializers.SerializerMethodField()
    notice = serializers.SerializerMethodField()

    class Meta:
        model = LesionReading
        fields = [
            "id",
            "examination",
            "lesion",
            "patient",
            "in_force",
            "outcome",
            "reason",
            "named",
            "kept_from",
            "probabilities",
            "malignant_probability",
            "probabilities_at_prevalence",
            "prediction_set",
            "photographs",
            "model",
            "created_at",
            "links",
            "notice",
        ]
        read_only_fields = fields

    @extend_schema_field(CodedTextSerializer)
    def get_reason(self, reading: LesionReading) -> dict[str, str]:
        """Why the outcome is what it is. Photographs are numbered as in `photographs`, from 1 on."""
        images: dict[str, LesionImage] = self.context["photographs"]
        known = [images.get(each["prediction"]) for each in reading.inputs]
        places = {str(each.public_id): place for place, each in enumerate(known, start=1) if each is not None}
        return {"code": reading.reason, "text": reason_text(reading, places)}

    @extend_schema_field(AtPrevalenceSerializer(allow_null=True))
    def get_probabilities_at_prevalence(self, reading: LesionReading) -> dict[str, Any] | None:
        """The same at the clinic's own share of malignant lesions; null where no probabilities are given."""
        return write_at_prevalence(reading, self.context)

    @extend_schema_field(ProbabilitiesSerializer(allow_null=True))
    def get_probabilities(self, reading: LesionReading) -> dict[str, float] | None:
        """Calibrated probabilities by class code, of the photographs together; null where none are given."""
        return name_classes(reading.classes, reading.probabilities)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_kept_from(self, reading: LesionReading) -> str | None:
        """The outcome that was shown before and that photographs added since do not lower; null where none was."""
        return reading.kept_from or None

    @extend_schema_field(PhotographReadSerializer(many=True))
    def get_photographs(self, reading: LesionReading) -> list[dict[str, Any]]:
        """Each photograph with its share, or why it was left out."""
        images: dict[str, LesionImage] = self.context["photographs"]
        return [
            {
                "image": str(images[each["prediction"]].public_id) if each["prediction"] in images else None,
                "prediction": each["prediction"],
                "weight": each["weight"],
                "left_out": {"code": each["left_out"], "text": left_out_text(each["left_out"])}
                if each["left_out"]
                else None,
            }
            for each in reading.inputs
        ]

    @extend_schema_field(LesionReadingLinksSerializer)
    def get_links(self, reading: LesionReading) -> dict[str, str]:
        """Links of a lesion reading."""
        examination = reading.examination
        return {
            "self": self.link("api-lesion-reading-detail", reading.public_id),
            "examination": self.link("api-examination-detail", examination.public_id),
            "lesion": self.link("api-lesion-detail", examination.lesion.public_id),
            "patient": self.link("api-patient-detail", examination.lesion.patient.public_id),
        }

    def get_notice(self, reading: LesionReading) -> str:
        """What a reading is and is not, and whether it counts. Show it wherever a reading is shown."""
        safety = str(wording.SAFETY_SENTENCE)
        return safety if reading.is_in_force else f"{wording.VOID_SENTENCE} {safety}"
