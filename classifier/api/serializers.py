"""What the API gives."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.api.linked import CodedTextSerializer, LinkedSerializer
from classifier.models import Declared, Lesion, LesionImage, ModelVersion, Patient, Prediction, Review, Standing, Status
from classifier.presentation import wording
from ml.taxonomy import CLASSES


class ModelSerializer(serializers.ModelSerializer[ModelVersion]):
    """The model that made a reading."""

    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = ModelVersion
        fields = ["name", "version", "id", "bundle_sha256"]
        read_only_fields = fields


# One number for each class, in the official order.
ProbabilitiesSerializer: type[serializers.Serializer[Any]] = type(
    "ProbabilitiesSerializer",
    (serializers.Serializer,),
    {
        "__doc__": "Calibrated probabilities by class; they sum to 1.",
        **{code: serializers.FloatField(min_value=0, max_value=1) for code in CLASSES},
    },
)


class PatientLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a patient. `page` is for people: it asks for a sign-in."""

    self = serializers.URLField()
    lesions = serializers.URLField()
    predictions = serializers.URLField()
    page = serializers.URLField()


class PatientSerializer(LinkedSerializer):
    """A patient, known by the clinic's code."""

    links = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = ["id", "code", "sex", "birth_year", "created_at", "links"]
        read_only_fields = fields

    @extend_schema_field(PatientLinksSerializer)
    def get_links(self, patient: Patient) -> dict[str, str]:
        """Links of a patient."""
        identifier = patient.public_id
        return {
            "self": self.link("api-patient-detail", identifier),
            "lesions": self.link("api-lesion-list", query={"patient": identifier}),
            "predictions": self.link("api-prediction-list", query={"patient": identifier}),
            "page": self.link("patient", identifier),
        }


class LesionLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a lesion. `page` is for people: it asks for a sign-in."""

    self = serializers.URLField()
    patient = serializers.URLField()
    images = serializers.URLField()
    predictions = serializers.URLField()
    page = serializers.URLField()


class LesionSerializer(LinkedSerializer):
    """A lesion of a patient."""

    patient = serializers.UUIDField(source="patient.public_id", read_only=True)
    links = serializers.SerializerMethodField()

    class Meta:
        model = Lesion
        fields = ["id", "patient", "body_site", "label", "created_at", "links"]
        read_only_fields = fields

    @extend_schema_field(LesionLinksSerializer)
    def get_links(self, lesion: Lesion) -> dict[str, str]:
        """Links of a lesion."""
        identifier = lesion.public_id
        return {
            "self": self.link("api-lesion-detail", identifier),
            "patient": self.link("api-patient-detail", lesion.patient.public_id),
            "images": self.link("api-image-list", query={"lesion": identifier}),
            "predictions": self.link("api-prediction-list", query={"lesion": identifier}),
            "page": self.link("lesion", identifier),
        }


DECLARED = serializers.ListField(
    source="declared_codes",
    child=serializers.ChoiceField(choices=Declared.choices),
    read_only=True,
    help_text=_("Sites and states that were declared of the lesion."),
)


class ImageLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a photograph. `file` and `thumbnail` are the pictures themselves."""

    self = serializers.URLField()
    lesion = serializers.URLField()
    patient = serializers.URLField()
    predictions = serializers.URLField()
    file = serializers.URLField()
    thumbnail = serializers.URLField()


class ImageSerializer(LinkedSerializer):
    """A photograph of a lesion. One that is `entered_in_error` does not count."""

    lesion = serializers.UUIDField(source="lesion.public_id", read_only=True)
    patient = serializers.UUIDField(source="lesion.patient.public_id", read_only=True)
    declared = DECLARED
    conversions = serializers.ListField(
        source="notes", child=serializers.CharField(), read_only=True, help_text=_("What was done on storing it.")
    )
    entered_in_error = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = LesionImage
        fields = [
            "id",
            "lesion",
            "patient",
            "modality",
            "declared",
            "original_name",
            "upload_sha256",
            "width",
            "height",
            "conversions",
            "uploaded_at",
            "entered_in_error",
            "entered_in_error_at",
            "links",
        ]
        read_only_fields = fields

    def get_entered_in_error(self, image: LesionImage) -> bool:
        """Whether somebody has marked it as entered in error."""
        return image.entered_in_error_at is not None

    @extend_schema_field(ImageLinksSerializer)
    def get_links(self, image: LesionImage) -> dict[str, str]:
        """Links of a photograph."""
        return {
            "self": self.link("api-image-detail", image.public_id),
            "lesion": self.link("api-lesion-detail", image.lesion.public_id),
            "patient": self.link("api-patient-detail", image.lesion.patient.public_id),
            "predictions": self.link("api-prediction-list", query={"image": image.public_id}),
            "file": self.link("image-file", image.public_id),
            "thumbnail": self.link("image-thumbnail", image.public_id),
        }


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
    declared = DECLARED
    reason = serializers.SerializerMethodField()
    probabilities = serializers.SerializerMethodField()
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

    @extend_schema_field(ProbabilitiesSerializer(allow_null=True))
    def get_probabilities(self, prediction: Prediction) -> dict[str, float] | None:
        """Calibrated probabilities by class code."""
        if not prediction.shows_probabilities or prediction.classes is None or prediction.probabilities is None:
            return None
        return dict(zip(prediction.classes, prediction.probabilities, strict=True))

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


class ReviewLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a review."""

    self = serializers.URLField()
    prediction = serializers.URLField()


class ReviewSerializer(LinkedSerializer):
    """A colleague's opinion on a reading."""

    prediction = serializers.UUIDField(source="prediction.public_id", read_only=True)
    reviewer = serializers.StringRelatedField[Any](read_only=True)
    links = serializers.SerializerMethodField()

    class Meta:
        model = Review
        fields = ["id", "prediction", "kind", "diagnosis", "certainty", "comment", "reviewer", "created_at", "links"]
        read_only_fields = fields

    @extend_schema_field(ReviewLinksSerializer)
    def get_links(self, review: Review) -> dict[str, str]:
        """Links of a review."""
        return {
            "self": self.link("api-review-detail", review.public_id),
            "prediction": self.link("api-prediction-detail", review.prediction.public_id),
        }
