"""Pages of lists: by cursor, newest first, so that rows that arrive meanwhile move nothing."""

from datetime import UTC
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from skinsite.paging import fetch_in_order


class NewestFirst(CursorPagination):
    """Newest first. A wrong cursor or page size is an error: a wrong answer in silence would lose rows."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = ("-created_at", "-pk")

    def get_page_size(self, request: Request) -> int:
        """The size asked for, 1 to 200."""
        asked = request.query_params.get("page_size")
        if asked is None:
            return self.page_size
        if not (asked.isascii() and asked.isdigit() and len(asked) <= len(str(self.max_page_size))):
            size = 0
        else:
            size = int(asked)
        if not 1 <= size <= self.max_page_size:
            limit = self.max_page_size
            raise ValidationError({"page_size": _("Give a whole number from 1 to %(limit)s.") % {"limit": limit}})
        return size

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """The rows of a page: their keys are found first, without the rows' weight."""
        times = [name.lstrip("-") for name in self.ordering if name != "-pk"]
        keys: list[Any] | None = super().paginate_queryset(
            queryset.select_related(None).only("pk", *times), request, view
        )
        if keys is None:
            return None
        self.page = fetch_in_order(queryset, [row.pk for row in keys])
        return self.page

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The place that an earlier answer's `next` or `previous` names."""
        wrong = ValidationError({"cursor": _("Take the whole address from `next` or `previous` of an earlier answer.")})
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                moment = parse_datetime(str(cursor.position))
                if moment is None:
                    raise wrong
                moment.astimezone(UTC)  # one that falls off the calendar would break the query
        except (NotFound, ValueError, OverflowError) as error:
            raise wrong from error
        return cursor

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the two parameters with their limits."""
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == "cursor":
                parameter["schema"] = {"type": "string", "minLength": 1}
            if parameter["name"] == "page_size":
                parameter["schema"] = {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                }
        return parameters

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page. The library's own description is of OpenAPI 3.0, where null is said otherwise."""
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }


class NewestUploadFirst(NewestFirst):
    """Pages of photographs, which have a time of upload."""

    ordering = ("-uploaded_at", "-pk")
