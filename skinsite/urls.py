"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("skinsite.accounts.urls")),
    path("", include("skinsite.audit.urls")),
    path("", include("skinsite.directory.urls")),
    path("", include(f"{settings.DOMAIN}.web.urls")),
    path("api/v1/", include(f"{settings.DOMAIN}.api.urls")),
    path("admin/", admin.site.urls),
    path("health/", include("skinsite.health.urls")),
    path("language/", set_language, name="set_language"),
]

handler400 = "skinsite.platform.errors.bad_request"
handler403 = "skinsite.platform.errors.permission_denied"
handler404 = "skinsite.platform.errors.not_found"
handler500 = "skinsite.platform.errors.server_error"
