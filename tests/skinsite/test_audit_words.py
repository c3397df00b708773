"""The audit trail as administrators read it: in words, by patient code, the pictures of a list folded."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from skinsite.accounts.models import Membership
from skinsite.audit.services import record_access, record_listing
from skinsite.audit.words import VERBS, action_in_words, details_in_words
from tests import factories
from tests.classifier.web.queries import count_queries
from tests.skinsite.conftest import SignIn

ROOT = Path(__file__).parents[2]
TRAIL = reverse("admin:audit_auditevent_changelist")
NOUNS = "api_token|clinic|image|invitation|lesion|membership|model|patient|prediction|review|user"
ACTION = re.compile(rf'"(?:{NOUNS})\.([a-z_]+)"')


def test_every_action_that_the_code_records_has_words_in_both_languages() -> None:
    sources = [path for name in ("skinsite", "classifier") for path in (ROOT / name).rglob("*.py")]
    verbs = {verb for path in sources for verb in ACTION.findall(path.read_text())} | {"created", "updated", "listed"}
    verbs -= {"jpg", "public_id"}  # a file, and a path of the database
    assert len(verbs) > 20
    assert verbs - set(VERBS) == set()
    with translation.override("ru"):
        assert [verb for verb in verbs if not re.search("[а-я]", str(VERBS[verb]))] == []


@pytest.mark.parametrize(
    ("action", "english", "russian"),
    [
        ("prediction.listed", "list viewed: readings", "просмотр списка: результаты"),
        ("image.thumbnail_viewed", "photograph: viewed small, in a list", "снимок: просмотр миниатюры в списке"),
        ("membership.role_changed", "membership: role changed", "участие в клинике: смена роли"),
        ("gone.vanished", "gone.vanished", "gone.vanished"),
    ],
)
def test_an_action_is_told_in_words(action: str, english: str, russian: str) -> None:
    for language, words in (("en", english), ("ru", russian)):
        with translation.override(language):
            assert action_in_words(action) == words


def test_details_are_named_and_what_is_empty_says_nothing() -> None:
    assert details_in_words({"rows": 25, "filters": []}) == "rows: 25"
    assert details_in_words({"before": "clinician", "after": "reviewer"}) == "before: Clinician, after: Reviewer"


def test_a_photograph_goes_by_its_patient_and_a_list_stands_for_its_pictures(
    administrator: Membership, sign_in: SignIn
) -> None:
    image = factories.LesionImageFactory.create(
        lesion__patient__clinic=administrator.clinic, lesion__patient__code="P-77"
    )
    record_listing(actor=administrator, noun="prediction", rows=25)
    for _row in range(25):
        record_access(actor=administrator, action="image.thumbnail_viewed", obj=image)
    record_access(actor=administrator, action="image.viewed", obj=image)
    client = sign_in(administrator)
    page = client.get(TRAIL).content.decode()
    assert "list viewed: readings" in page
    assert "rows: 25" in page
    assert "photograph P-77" in page
    assert "in a list" not in page
    assert client.get(TRAIL, {"thumbnails": "all"}).content.decode().count("viewed small, in a list") >= 25


def test_the_trail_takes_the_same_queries_for_few_events_and_for_many(
    administrator: Membership, sign_in: SignIn
) -> None:
    client: Client = sign_in(administrator)

    def add(count: int) -> None:
        for reading in factories.DonePredictionFactory.create_batch(
            count, image__lesion__patient__clinic=administrator.clinic
        ):
            record_access(actor=administrator, action="prediction.viewed", obj=reading)

    add(3)
    client.get(TRAIL)
    few = count_queries(client, TRAIL)
    add(27)
    assert count_queries(client, TRAIL) == few


def test_which_filters_are_on_is_said_and_each_is_taken_off(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    assert "Take off the filter" not in client.get(TRAIL).content.decode()
    assert "Take off the filter kind: Access" in client.get(TRAIL, {"kind__exact": "access"}).content.decode()


def test_where_nothing_is_found_nothing_is_offered_to_be_created(administrator: Membership, sign_in: SignIn) -> None:
    page = sign_in(administrator).get(TRAIL, {"q": "nowhere-at-all"}).content.decode()
    assert "Nothing matches" in page
    assert "Clear search and filters" in page
    assert "Create a new item" not in page
