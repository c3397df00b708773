"""The description for people, and what is answered where there is nothing."""

from typing import Any

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


@method_decorator(
    # Swagger UI writes style attributes. Scripts stay those of the site.
    csp_update({"style-src": "'unsafe-inline'"}),
    name="dispatch",
)
class DocumentationView(SpectacularSwaggerSplitView):
    """The readable description in the frame of the site, from files of the site alone."""

    url_name = "api-schema"
    http_method_names = ["get", "head"]
    template_name = "api/docs.html"
    authentication_classes = [SessionAuthentication]  # whose page it is: the description is the same for everybody


class NoSuchAddress(APIView):
    """Answers every address under /api/ that leads nowhere, as a problem too."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []
    schema = None

    def initial(self, request: Request, *_args: Any, **_kwargs: Any) -> None:
        """Say so, whatever the method."""
        text = _("There is nothing at %(path)s. Addresses end with a slash; /api/v1/docs/ lists them.")
        raise NotFound(text % {"path": request.path})
