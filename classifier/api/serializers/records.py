"""What the API gives of patients, lesions, photographs and reviews."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.anatomy.sites import Side
from classifier.api.linked import LinkedSerializer
from classifier.models import Declared, Lesion, LesionAlias, LesionImage, Patient, Review


class PatientLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a patient. `page` is for people: it asks for a sign-in."""

    self = serializers.URLField()
    lesions = serializers.URLField()
    visits = serializers.URLField()
    predictions = serializers.URLField()
    page = serializers.URLField()


class PatientSerializer(LinkedSerializer):
    """A patient, known by the clinic's code."""

    merged_into = serializers.UUIDField(
        source="merged_into.public_id",
        read_only=True,
        allow_null=True,
        help_text=_("Where all that was filed here is by now; null for one that stands for itself."),
    )
    links = serializers.SerializerMethodField()

    class Meta:
        model = Patient
        fields = ["id", "code", "external_id", "sex", "birth_year", "merged_into", "created_at", "links"]
        read_only_fields = fields

    @extend_schema_field(PatientLinksSerializer)
    def get_links(self, patient: Patient) -> dict[str, str]:
        """Links of a patient."""
        identifier = patient.public_id
        return {
            "self": self.link("api-patient-detail", identifier),
            "lesions": self.link("api-lesion-list", query={"patient": identifier}),
            "visits": self.link("api-visit-list", query={"patient": identifier}),
            "predictions": self.link("api-prediction-list", query={"patient": identifier}),
            "page": self.link("patient", identifier),
        }


class LesionLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a lesion. `page` is for people: it asks for a sign-in."""

    self = serializers.URLField()
    patient = serializers.URLField()
    examinations = serializers.URLField()
    images = serializers.URLField()
    predictions = serializers.URLField()
    page = serializers.URLField()


class LesionAliasSerializer(serializers.ModelSerializer[LesionAlias]):
    """A number under which documents may name a lesion, with the patient's code that stood with it."""

    class Meta:
        model = LesionAlias
        fields = ["patient_code", "number"]
        read_only_fields = fields


class LesionSerializer(LinkedSerializer):
    """A lesion of a patient. `number` tells the patient's lesions apart and is never used again."""

    patient = serializers.UUIDField(source="patient.public_id", read_only=True)
    side = serializers.ChoiceField(choices=Side.choices, allow_blank=True, read_only=True)
    merged_into = serializers.UUIDField(
        source="merged_into.public_id",
        read_only=True,
        allow_null=True,
        help_text=_("Where all that was filed here is by now; null for one that stands for itself."),
    )
    aliases = LesionAliasSerializer(many=True, read_only=True, help_text=_("Numbers that it had before."))
    links = serializers.SerializerMethodField()

    class Meta:
        model = Lesion
        fields = [
            "id",
            "patient",
            "number",
            "body_site",
            "region",
            "side",
            "state",
            "state_on",
            "label",
            "external_id",
            "aliases",
            "merged_into",
            "created_at",
            "links",
        ]
        read_only_fields = fields

    @extend_schema_field(LesionLinksSerializer)
    def get_links(self, lesion: Lesion) -> dict[str, str]:
        """Links of a lesion."""
        identifier = lesion.public_id
        return {
            "self": self.link("api-lesion-detail", identifier),
            "patient": self.link("api-patient-detail", lesion.patient.public_id),
            "examinations": self.link("api-examination-list", query={"lesion": identifier}),
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
    examination = serializers.URLField()
    predictions = serializers.URLField()
    file = serializers.URLField()
    thumbnail = serializers.URLField()


class ImageSerializer(LinkedSerializer):
    """A photograph of a lesion. One that is `entered_in_error` does not count."""

    lesion = serializers.UUIDField(source="lesion.public_id", read_only=True)
    patient = serializers.UUIDField(source="lesion.patient.public_id", read_only=True)
    examination = serializers.UUIDField(source="examination.public_id", read_only=True)
    visit = serializers.UUIDField(source="examination.visit.public_id", read_only=True)
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
            "examination",
            "visit",
            "external_id",
            "modality",
            "declared",
            "taken_on",
            "taken_source",
            "taken_precision",
            "device",
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
            "examination": self.link("api-examination-detail", image.examination.public_id),
            "predictions": self.link("api-prediction-list", query={"image": image.public_id}),
            "file": self.link("image-file", image.public_id),
            "thumbnail": self.link("image-thumbnail", image.public_id),
        }


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
