"""Patients, lesions, photographs and reviews."""

from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_view

from classifier import audit
from classifier.api import filters
from classifier.api.pagination import NewestUploadFirst
from classifier.api.serializers import records as serializers
from classifier.api.views.base import ClinicViewSet
from classifier.models import Lesion, LesionImage, Patient, Review
from classifier.selectors import records


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
    rows_of = staticmethod(records.named_lesions_of)
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
