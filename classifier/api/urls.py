"""Addresses for machines, under /api/v1/."""

from django.urls import URLPattern, URLResolver, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from classifier.api.views import documentation, readings, records, visits

router = SimpleRouter(use_regex_path=False)
router.register("patients", records.PatientViewSet, basename="api-patient")
router.register("lesions", records.LesionViewSet, basename="api-lesion")
router.register("visits", visits.VisitViewSet, basename="api-visit")
router.register("examinations", visits.ExaminationViewSet, basename="api-examination")
router.register("images", records.ImageViewSet, basename="api-image")
router.register("predictions", readings.PredictionViewSet, basename="api-prediction")
router.register("lesion-readings", visits.LesionReadingViewSet, basename="api-lesion-reading")
router.register("reviews", records.ReviewViewSet, basename="api-review")

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    path("schema/", SpectacularAPIView.as_view(http_method_names=["get", "head"]), name="api-schema"),
    path("docs/", documentation.DocumentationView.as_view(), name="api-docs"),
    # Also keeps a POST to an address without its slash from being sent on as a GET.
    re_path(r"", documentation.NoSuchAddress.as_view()),
]
