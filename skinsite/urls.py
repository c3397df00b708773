"""Every address of the site."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("skinsite.accounts.urls")),
    path("", include("classifier.web.urls")),
    path("api/v1/", include("classifier.api.urls")),
]
