"""The audit trail as administrators read it: in words, by patient code, the pictures of a list folded."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from classifier import audit
from skinsite.accounts.models import Membership
from skinsite.audit.events import EVENT_TYPES, EventType
from skinsite.audit.words import action_in_words, details_in_words
from tests import factories
from tests.classifier.web.queries import count_queries
from tests.skinsite.conftest import SignIn

ROOT = Path(__file__).parents[2]
TRAIL = reverse("admin:audit_auditevent_changelist")
SOURCES = [path.read_text() for name in ("skinsite", "classifier") for path in (ROOT / name).rglob("*.py")]
# Written into trails that are never rewritten: a name may be added here, none may be changed or taken out.
NAMES = {
    "api_token": "created revoked",
    "clinic": "created malignant_percent_set passwords_allowed passwords_refused renamed second_factor_set "
    "switched_to time_zone_set updated",
    "command": "begun",
    "emergency_access": "ended granted",
    "examination": "created listed updated viewed",
    "image": "declared_corrected found_altered heat_map_viewed listed marked_entered_in_error modality_corrected moved "
    "refused taken_on_corrected thumbnail_viewed uploaded viewed",
    "invitation": "accepted created revoked",
    "lesion": "created listed merge_undone merged split updated viewed",
    "lesion_reading": "listed made viewed",
    "membership": "created deactivated reactivated role_changed",
    "model": "activated registered",
    "patient": "created listed merge_undone merged updated viewed",
    "prediction": "failed finished listed requested viewed",
    "request": "refused",
    "review": "added listed viewed",
    "service": "ended opened",
    "task": "done opened",
    "trail": "exported viewed",
    "user": "created directory_access_ended directory_refused directory_unlinked locked_out own_password_refused "
    "password_changed password_confirmed password_reset password_set "
    "second_factor_added second_factor_refused second_factor_removed "
    "second_factor_reset second_factor_used "
    "preferences_set renamed sessions_ended sign_in_failed signed_in signed_in_by_directory signed_out "
    "time_zone_set updated",
    "visit": "created listed updated viewed",
}


def test_the_names_of_events_are_those_that_trails_hold() -> None:
    kept = {f"{noun}.{verb}" for noun, verbs in NAMES.items() for verb in verbs.split()}
    assert {each.name for each in EVENT_TYPES} == kept


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda each: each.writer)
def test_every_event_has_words_in_both_languages_and_one_writer_that_is_called(event: EventType) -> None:
    assert action_in_words(event.name) != event.name
    with translation.override("ru"):
        assert re.search("[а-я]", str(event.words))
        assert re.search("[а-я]", action_in_words(event.name))
    module, _dot, function = event.writer.rpartition(".")
    parameters = inspect.signature(getattr(import_module(module), function)).parameters.values()
    assert {each.kind for each in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert any(re.search(rf"\baudit\.{function}\b", source) for source in SOURCES)


def test_nothing_else_writes_the_trail() -> None:
    pattern = r"Audit(Event|Payload|Subject)(\.objects\.\w*create)?\("
    found = [each.group() for source in SOURCES for each in re.finditer(pattern, source)]
    # The models themselves, and skinsite.audit.events, which writes one event alone or several together.
    tables = ("AuditEvent", "AuditPayload", "AuditSubject")
    assert sorted(found) == sorted(
        2 * [f"{each}(" for each in tables] + [f"{each}.objects.bulk_create(" for each in tables]
    )


@pytest.mark.parametrize(
    ("action", "english", "russian"),
    [
        ("prediction.listed", "list viewed: readings", "просмотр списка: результаты"),
        ("image.thumbnail_viewed", "photograph: viewed small", "снимок: просмотр миниатюры"),
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
    assert details_in_words({"required": True}) == "required: yes"


def test_a_row_shortens_what_nobody_reads_out_and_a_file_does_not() -> None:
    told = {
        "upload_sha256": "a" * 64,
        "browser": "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
    }
    assert details_in_words(told, brief=True) == "checksum: aaaaaaaaaaaa…, browser: Firefox, Windows"
    assert f"checksum: {'a' * 64}" in details_in_words(told)


def test_a_photograph_goes_by_its_patient(administrator: Membership, sign_in: SignIn) -> None:
    patient = factories.PatientFactory.create(clinic=administrator.clinic, code="P-77")
    readings = factories.DonePredictionFactory.create_batch(3, image__lesion__patient=patient)
    images = [reading.image for reading in readings]
    audit.predictions_listed(actor=administrator, shown=readings, photographs=images)
    audit.patients_listed(actor=administrator, shown=[])
    audit.image_viewed(actor=administrator, about=images[0])
    client = sign_in(administrator)
    page = client.get(TRAIL).content.decode()
    assert "list viewed: readings" in page
    assert "rows: 3" in page
    assert "photograph P-77" in page


def test_the_trail_takes_the_same_queries_for_few_events_and_for_many(
    administrator: Membership, sign_in: SignIn
) -> None:
    client: Client = sign_in(administrator)

    def add(count: int) -> None:
        for reading in factories.DonePredictionFactory.create_batch(
            count, image__lesion__patient__clinic=administrator.clinic
        ):
            audit.prediction_viewed(actor=administrator, about=reading)

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
