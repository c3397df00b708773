"""Pages of long lists: their keys are found first, so that a late page does not carry every row before it along."""

from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)

ROWS_ON_A_PAGE = 25
FARTHEST_PAGE = 200


def fetch_in_order(queryset: QuerySet[M], keys: list[Any]) -> list[M]:
    """The rows of these keys with all that the queryset adds to them, in the keys' order; one that has gone is left
    out."""
    rows = {row.pk: row for row in queryset.filter(pk__in=keys)}
    return [rows[key] for key in keys if key in rows]


class KeyPaginator(Paginator):  # type: ignore[type-arg] # generic only in the stubs
    """Django's paginator, for a queryset, in two queries a page: the page's keys, then its rows."""

    def page(self, number: int | str) -> "Page[Any]":
        """The page of this number, its rows fetched."""
        asked = super().page(number)
        found: Any = asked.object_list
        if isinstance(found, QuerySet):
            keys = list(found.values_list("pk", flat=True))
            asked.object_list = fetch_in_order(self.object_list, keys)  # type: ignore[arg-type] # a queryset, as its slice
        return asked


class WalkingPaginator(KeyPaginator):
    """Pages of a list that is too long to be counted, for the admin: each has a next one while it is full.

    A page is found by passing over those before it, so there are ``FARTHEST_PAGE`` at most; a filter leads further.
    """

    template_name = "unfold/helpers/pagination_infinite.html"

    @property
    def count(self) -> int:
        """As many rows as the farthest page ends with, whether they are there or not."""
        return FARTHEST_PAGE * self.per_page
