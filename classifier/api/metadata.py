"""What OPTIONS is answered with: the methods of an address, as `Allow` has them, and nothing else."""

from typing import Any

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request


class AllowedMethods(BaseMetadata):
    """The methods that an address takes."""

    def determine_metadata(self, request: Request, view: Any) -> dict[str, list[str]]:  # noqa: ARG002 the library's
        """Name them."""
        return {"methods": list(view.allowed_methods)}
