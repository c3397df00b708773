"""What the API gives of readings of photographs."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api.linked import CodedTextSerializer, LinkedSerializer
from classifier.api.serializers.lesion_readings import LesionReadingSerializer
from classifier.api.serializers.models import ModelSerializer, ProbabilitiesSerializer, name_classes
from classifier.api.serializers.prevalence import AtPrevalenceSerializer, write_at_prevalence
from classifier.api.serializers.records import DECLARED
from classifier.models import LesionReading, Prediction, Standing, Status
from classifier.presentation import wording


class SimilarCaseSerializer(serializers.Serializer[Any]):
    """A confirmed lesion of the training set that looks alike to the network."""

    image = serializers.CharField(help_text=_("Its name in the ISIC archive."))
    diagnosis = CodedTextSerializer()
    confirmation = CodedTextSerializer(help_text=_("How the diagnosis was confirmed."))
    similarity = serializers.FloatField(help_text=_("A cosine: 1 for the same direction. No probability."))


class LesionMeasuresSerializer(serializers.Serializer[Any]):
    """The lesion as the network outlines it, measured in the picture. All three are 0 where it made out no lesion."""

    area = serializers.FloatField(
        min_value=0,
        max_value=1,
        help_text=_("Share of the picture's area that it covers, 0 to 1. No length: the scale is not known."),
    )
    at_edge = serializers.FloatField(
        min_value=0,
        max_value=1,
        help_text=_("Share of the picture's edge that it touches, 0 to 1; 0 for one that lies wholly inside."),
    )
    asymmetry = serializers.FloatField(
        min_value=0,
        max_value=1,
        help_text=_("Without unit: 0 for a shape that matches its mirror images, near 1 for one that nowhere does."),
    )


class PredictionLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a reading. `page` is for people: it asks for a sign-in. `heat_map` is a PNG."""

    self = serializers.URLField()
    image = serializers.URLField()
    lesion = serializers.URLField()
    patient = serializers.URLField()
    examination = serializers.URLField()
    reviews = serializers.URLField()
    page = serializers.URLField()
    heat_map = serializers.URLField(
        required=False, help_text=_("Only where probabilities are given and the network gives a heat-map.")
    )


class PredictionSerializer(LinkedSerializer):
    """A reading of a photograph.

    `outcome` is null until `status` is `done`, and counts only while `standing` is `valid`; the probabilities are null
    where none are shown.
    """

    image = serializers.UUIDField(source="image.public_id", read_only=True)
    lesion = serializers.UUIDField(source="image.lesion.public_id", read_only=True)
    patient = serializers.UUIDField(source="image.lesion.patient.public_id", read_only=True)
    examination = serializers.UUIDField(source="image.examination.public_id", read_only=True)
    lesion_reading = serializers.SerializerMethodField()
    declared = DECLARED
    reason = serializers.SerializerMethodField()
    probabilities = serializers.SerializerMethodField()
    probabilities_at_prevalence = serializers.SerializerMethodField()
    malignant_probability = serializers.SerializerMethodField()
    prediction_set = serializers.SerializerMethodField()
    flags = serializers.SerializerMethodField()
    similar_cases = serializers.SerializerMethodField()
    lesion_measures = LesionMeasuresSerializer(
        allow_null=True,
        read_only=True,
        help_text=_("Null where not measured. Comparable only between photographs taken at the same magnification."),
    )
    model = ModelSerializer(source="model_version", allow_null=True, read_only=True)
    waiting_for = serializers.SerializerMethodField()
    standing = serializers.ChoiceField(
        choices=Standing.choices,
        read_only=True,
        help_text=_("`valid`, or why it does not count: its `outcome` is then history, and no answer."),
    )
    superseded_by = serializers.UUIDField(
        read_only=True, allow_null=True, help_text=_("The reading of the same photograph that counts instead.")
    )
    entered_in_error = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()
    notice = serializers.SerializerMethodField()

    class Meta:
        model = Prediction
        fields = [
            "id",
            "status",
            "standing",
            "outcome",
            "reason",
            "probabilities",
            "malignant_probability",
            "probabilities_at_prevalence",
            "prediction_set",
            "flags",
            "similar_cases",
            "lesion_measures",
            "model",
            "modality",
            "declared",
            "waiting_for",
            "image",
            "lesion",
            "patient",
            "examination",
            "lesion_reading",
            "superseded_by",
            "entered_in_error",
            "created_at",
            "started_at",
            "finished_at",
            "links",
            "notice",
        ]
        read_only_fields = fields

    @extend_schema_field(CodedTextSerializer(allow_null=True))
    def get_reason(self, prediction: Prediction) -> dict[str, str] | None:
        """Why the outcome is what it is, or why the reading failed; null until it is finished."""
        if prediction.status == Status.FAILED:
            return {"code": prediction.failure.partition(":")[0], "text": wording.failure_text(prediction)}
        if prediction.status != Status.DONE:
            return None
        return {"code": prediction.reason, "text": wording.reason_text(prediction)}

    @extend_schema_field(LesionReadingSerializer(allow_null=True))
    def get_lesion_reading(self, prediction: Prediction) -> dict[str, Any] | None:
        """What holds of the lesion: the photographs of its examination taken together. Null while one of them is still
        to be read."""
        found: dict[int, LesionReading] = self.context["lesion_readings"]
        reading = found.get(prediction.pk)
        return None if reading is None else LesionReadingSerializer(reading, context=self.context).data

    @extend_schema_field(AtPrevalenceSerializer(allow_null=True))
    def get_probabilities_at_prevalence(self, prediction: Prediction) -> dict[str, Any] | None:
        """The same at the clinic's own share of malignant lesions; null where no probabilities are given."""
        return write_at_prevalence(prediction, self.context)

    @extend_schema_field(ProbabilitiesSerializer(allow_null=True))
    def get_probabilities(self, prediction: Prediction) -> dict[str, float] | None:
        """Calibrated probabilities by class code."""
        return name_classes(prediction.classes, prediction.probabilities) if prediction.shows_probabilities else None

    @extend_schema_field(serializers.FloatField(allow_null=True, min_value=0, max_value=1))
    def get_malignant_probability(self, prediction: Prediction) -> float | None:
        """The sum of the malignant classes: MEL, BCC and AKIEC."""
        return prediction.malignant_probability if prediction.shows_probabilities else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField(), allow_null=True))
    def get_prediction_set(self, prediction: Prediction) -> list[str] | None:
        """Codes of the classes among which the true one is to be found nine times in ten; null where none are given."""
        return prediction.prediction_set if prediction.shows_probabilities else None

    @extend_schema_field(CodedTextSerializer(many=True))
    def get_flags(self, prediction: Prediction) -> list[dict[str, str]]:
        """What may have weakened the reading, such as blur."""
        return [{"code": code, "text": wording.flag_text(code)} for code in prediction.flags]

    @extend_schema_field(SimilarCaseSerializer(many=True, allow_null=True))
    def get_similar_cases(self, prediction: Prediction) -> list[dict[str, Any]] | None:
        """Confirmed lesions like this one, the nearest first; null where none are given. They are no diagnosis."""
        if not prediction.shows_probabilities or prediction.similar_cases is None:
            return None
        return [
            {
                "image": case["image_id"],
                "diagnosis": {"code": case["diagnosis"], "text": wording.class_name(case["diagnosis"])},
                "confirmation": {"code": case["confirmation"], "text": wording.confirmation_text(case["confirmation"])},
                "similarity": case["similarity"],
            }
            for case in prediction.similar_cases
        ]

    @extend_schema_field(CodedTextSerializer(allow_null=True))
    def get_waiting_for(self, prediction: Prediction) -> dict[str, str] | None:
        """What a queued reading waits for, where it is more than its turn."""
        code = prediction.waiting_for
        return {"code": code, "text": wording.waiting_text(code)} if code else None

    def get_entered_in_error(self, prediction: Prediction) -> bool:
        """Whether its photograph has been marked as entered in error: the reading then does not count."""
        return prediction.image.entered_in_error_at is not None

    @extend_schema_field(PredictionLinksSerializer)
    def get_links(self, prediction: Prediction) -> dict[str, str]:
        """Links of a reading."""
        identifier, image = prediction.public_id, prediction.image
        links = {
            "self": self.link("api-prediction-detail", identifier),
            "image": self.link("api-image-detail", image.public_id),
            "lesion": self.link("api-lesion-detail", image.lesion.public_id),
            "patient": self.link("api-patient-detail", image.lesion.patient.public_id),
            "examination": self.link("api-examination-detail", image.examination.public_id),
            "reviews": self.link("api-review-list", query={"prediction": identifier}),
            "page": self.link("reading", identifier),
        }
        if prediction.shows_heat_map:
            links["heat_map"] = self.link("heat-map", identifier)
        return links

    def get_notice(self, prediction: Prediction) -> str:
        """What a reading is and is not, and whether it counts. Show it wherever a reading is shown."""
        if prediction.is_valid:
            return str(wording.SAFETY_SENTENCE)
        return f"{prediction.standing.label}: {wording.VOID_SENTENCE} {wording.SAFETY_SENTENCE}"


class UploadAnswerSerializer(PredictionSerializer):
    """A reading as an upload is answered, with what a person should look at."""

    warnings = serializers.SerializerMethodField()

    class Meta(PredictionSerializer.Meta):
        fields = [*PredictionSerializer.Meta.fields, "warnings"]
        read_only_fields = fields

    @extend_schema_field(CodedTextSerializer(many=True))
    def get_warnings(self, _prediction: Prediction) -> list[dict[str, str]]:
        """`new_patient`: the code was unknown, and a patient was created; `look_alike`: another patient's code looks
        like it; `personal_data`: the code seems to be a name, a date or a personal number; `taken_on_doubtful`: the
        day on which it was taken is perhaps wrong; `mirrored`: the file says that it is a mirror image."""
        return [{"code": each.code, "text": each.text} for each in self.context["warnings"]]
