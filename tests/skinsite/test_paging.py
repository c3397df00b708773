"""A page's keys are found first, then its rows, in the same order and with all that the list adds to them."""

from django.db import connection
from django.db.models import CharField, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from skinsite.accounts.models import Clinic
from skinsite.paging import KeyPaginator
from tests.factories import ClinicFactory


def test_pages_come_in_order_with_what_is_annotated(db: None) -> None:
    ClinicFactory.create_batch(7)
    listed = Clinic.objects.annotate(told=Concat("slug", Value("!"), output_field=CharField())).order_by("-pk")
    whole = [clinic.told for clinic in listed]

    pages = KeyPaginator(listed, 3)

    assert [clinic.told for number in pages.page_range for clinic in pages.page(number)] == whole
    assert len(pages.page(3)) == 1


def test_rows_before_the_page_are_not_fetched(db: None) -> None:
    ClinicFactory.create_batch(7)
    pages = KeyPaginator(Clinic.objects.order_by("-pk"), 3)
    with CaptureQueriesContext(connection) as queries:
        list(pages.page(3))
    deep = [query["sql"] for query in queries if "OFFSET 6" in query["sql"]]
    assert len(deep) == 1
    assert '"accounts_clinic"."name"' not in deep[0]
