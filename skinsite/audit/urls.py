"""Addresses of the trail."""

from django.urls import URLPattern, URLResolver, path

from skinsite.audit import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("trail/", views.everything, name="trail"),
    path("trail/people/<uuid:public_id>/", views.person, name="trail-person"),
    path("trail/refused/", views.refused, name="trail-refused"),
]
