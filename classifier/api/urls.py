"""Addresses for machines, under /api/v1/."""

from django.urls import URLPattern, URLResolver, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from classifier.api import views

router = SimpleRouter(use_regex_path=False)
router.register("patients", views.PatientViewSet, basename="api-patient")
router.register("lesions", views.LesionViewSet, basename="api-lesion")
router.register("images", views.ImageViewSet, basename="api-image")
router.register("predictions", views.PredictionViewSet, basename="api-prediction")
router.register("reviews", views.ReviewViewSet, basename="api-review")

urlpatterns: list[URLPattern | URLResolver] = [
    *router.urls,
    path("schema/", SpectacularAPIView.as_view(http_method_names=["get", "head"]), name="api-schema"),
    path("docs/", views.DocumentationView.as_view(), name="api-docs"),
    # Also keeps a POST to an address without its slash from being sent on as a GET.
    re_path(r"", views.NoSuchAddress.as_view()),
]
