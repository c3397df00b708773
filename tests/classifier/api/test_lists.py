"""Lists: pages, filters, their cost, and that they agree with what can be opened."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from classifier.models import BodySite, Diagnosis, Modality, ModelVersion, Sex
from skinsite.accounts.models import Clinic, Membership
from tests import factories
from tests.classifier.api.conftest import LISTS, PREDICTIONS, send
from tests.classifier.conftest import draw_lesion
from tests.triggers import lifted_triggers


def add_reviewed_readings(clinic: Clinic, count: int) -> None:
    """Patients of the clinic, each with a lesion, a photograph, its reading, the lesion's, and a review."""
    model_version = factories.ModelVersionFactory.create()
    for _number in range(count):
        image = factories.LesionImageFactory.create(lesion__patient__clinic=clinic)
        reading = factories.DonePredictionFactory.create(image=image, model_version=model_version)
        factories.LesionReadingFactory.create(predictions=[reading])
        factories.ReviewFactory.create(prediction=reading, reviewer=factories.UserFactory.create())


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_queries_for_3_rows_and_for_30(name: str, api: APIClient, owner: Membership) -> None:
    counts = []
    for more in (3, 27):
        add_reviewed_readings(owner.clinic, more)
        api.get(f"/api/v1/{name}/")  # notes the use of the token, once a minute
        with CaptureQueriesContext(
            connection,
        ) as captured:
            rows = api.get(f"/api/v1/{name}/").json()["results"]
        counts.append((len(rows), len(captured)))
    assert [rows for rows, _queries in counts] == [3, 30]
    assert counts[0][1] == counts[1][1]


@pytest.mark.parametrize("name", LISTS)
def test_every_row_of_a_list_can_be_opened_and_looks_the_same(name: str, api: APIClient, owner: Membership) -> None:
    add_reviewed_readings(owner.clinic, 2)
    rows = api.get(f"/api/v1/{name}/").json()["results"]
    assert len(rows) == 2
    for row in rows:
        assert api.get(row["links"]["self"]).json() == row


@pytest.mark.parametrize("name", LISTS)
def test_pages_hold_every_row_once_newest_first_even_when_times_are_equal(
    name: str, api: APIClient, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    add_reviewed_readings(owner.clinic, 7)
    monkeypatch.undo()
    add_reviewed_readings(owner.clinic, 4)
    seen, address, pages = [], f"/api/v1/{name}/?page_size=3", 0
    while address:
        page = api.get(address).json()
        seen += [(row.get("created_at") or row["uploaded_at"], row["id"]) for row in page["results"]]
        address, pages = page["next"], pages + 1
    assert pages == 4
    assert len({identifier for _time, identifier in seen}) == 11
    assert [time for time, _identifier in seen] == sorted((time for time, _identifier in seen), reverse=True)


def test_pages_hold_every_reading_that_was_made_in_its_request_once(api: APIClient, active_model: ModelVersion) -> None:
    sent = [send(api, draw_lesion(seed=seed)).json()["id"] for seed in range(4)]
    seen: list[str] = []
    address = f"{PREDICTIONS}?page_size=1"
    while address and len(seen) < 9:
        page = api.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == sent[::-1]


def test_a_row_that_arrives_between_two_pages_moves_nothing(api: APIClient, owner: Membership) -> None:
    add_reviewed_readings(owner.clinic, 4)
    first = api.get("/api/v1/patients/?page_size=2").json()
    add_reviewed_readings(owner.clinic, 1)
    second = api.get(first["next"]).json()
    together = [row["id"] for row in first["results"] + second["results"]]
    assert len(together) == len(set(together)) == 4
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=0", "page_size"),
        ("page_size=201", "page_size"),
        ("page_size=many", "page_size"),
        ("page_size=%D9%A3", "page_size"),
        ("cursor=nonsense", "cursor"),
        ("cursor=cD15ZXN0ZXJkYXk%3D", "cursor"),  # p=yesterday
        ("outcome=harmless", "outcome"),
        ("created_from=yesterday", "created_from"),
        ("created_from=0001-01-01T00:00:00%2B14:00", "created_from"),
        ("created_before=9999-12-31T23:59:59-14:00", "created_before"),
        ("cursor=cD0wMDAxLTAxLTAxVDAwOjAwOjAwJTJCMTQ6MDA%3D", "cursor"),  # p=0001-01-01T00:00:00%2B14:00
        ("image=42", "image"),
        ("reviwed=true", "reviwed"),
        ("reviewed=perhaps", "reviewed"),
        ("patient=", "patient"),
    ],
)
def test_a_wrong_parameter_is_named_and_not_ignored(query: str, field: str, api: APIClient) -> None:
    response = api.get(f"/api/v1/predictions/?{query}")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def ids(api: APIClient, address: str) -> set[str]:
    return {row["id"] for row in api.get(address).json()["results"]}


def test_readings_are_found_by_what_they_are_of_and_what_they_say(api: APIClient, owner: Membership) -> None:
    clinic = owner.clinic
    suspicious = factories.DonePredictionFactory.create(image__lesion__patient__clinic=clinic)
    queued = factories.PredictionFactory.create(
        image__lesion__patient__clinic=clinic, image__modality=Modality.CLINICAL, modality=Modality.CLINICAL
    )
    wrong = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=clinic, image__entered_in_error_at=timezone.now()
    )
    factories.ReviewFactory.create(prediction=suspicious)
    one, two, three = (str(each.public_id) for each in (suspicious, queued, wrong))
    address = "/api/v1/predictions/"
    assert ids(api, f"{address}?status=queued") == {two}
    assert ids(api, f"{address}?outcome=suspicious") == {one, three}
    assert ids(api, f"{address}?modality=clinical") == {two}
    assert ids(api, f"{address}?reviewed=true") == {one}
    assert ids(api, f"{address}?reviewed=false") == {two, three}
    assert ids(api, f"{address}?entered_in_error=true") == {three}
    assert ids(api, f"{address}?entered_in_error=false") == {one, two}
    later = factories.DonePredictionFactory.create(image=suspicious.image)
    assert ids(api, f"{address}?standing=valid") == {two, str(later.public_id)}
    assert ids(api, f"{address}?standing=superseded") == {one}
    assert ids(api, f"{address}?standing=entered_in_error") == {three}
    with lifted_triggers():
        later.delete()
    assert ids(api, f"{address}?image={suspicious.image.public_id}") == {one}
    assert ids(api, f"{address}?lesion={queued.image.lesion.public_id}") == {two}
    assert ids(api, f"{address}?patient={wrong.image.lesion.patient.public_id}") == {three}
    assert suspicious.model_version is not None
    assert ids(api, f"{address}?model={suspicious.model_version.public_id}") == {one}


def test_readings_are_found_by_time_with_the_end_left_out(api: APIClient, owner: Membership) -> None:
    times = [
        datetime(2026, 9, 30, 23, 59, tzinfo=UTC),
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
    ]
    place = {"image__lesion__patient__clinic": owner.clinic}
    made = [factories.DonePredictionFactory.create(**place, created_at=time) for time in times]
    october = "/api/v1/predictions/?created_from=2026-10-01&created_before=2026-11-01"
    assert ids(api, october) == {str(made[1].public_id)}


def test_records_are_found_by_their_fields(api: APIClient, owner: Membership) -> None:
    patient = factories.PatientFactory.create(clinic=owner.clinic, code="Ward 7/12", sex=Sex.FEMALE)
    factories.PatientFactory.create(clinic=owner.clinic, sex=Sex.MALE)
    lesion = factories.LesionFactory.create(patient=patient, body_site=BodySite.SCALP)
    factories.LesionFactory.create(patient=patient, body_site=BodySite.FOOT)
    image = factories.LesionImageFactory.create(lesion=lesion)
    other = factories.LesionImageFactory.create(lesion__patient=patient, entered_in_error_at=timezone.now())
    review = factories.ReviewFactory.create(prediction__image=image, diagnosis=Diagnosis.BCC)
    factories.ReviewFactory.create(prediction__image=other, diagnosis=Diagnosis.NV)
    assert ids(api, "/api/v1/patients/?code=ward%207/12") == {str(patient.public_id)}
    assert ids(api, "/api/v1/patients/?code=%E2%80%8B") == set()  # a sign that nobody sees
    russian = factories.PatientFactory.create(clinic=owner.clinic, code="Ключ-17")
    assert ids(api, "/api/v1/patients/?code=КЛЮЧ-17") == {str(russian.public_id)}
    assert ids(api, "/api/v1/patients/?sex=female") == {str(patient.public_id)}
    assert ids(api, f"/api/v1/lesions/?patient={patient.public_id}&body_site=scalp") == {str(lesion.public_id)}
    assert ids(api, f"/api/v1/images/?lesion={lesion.public_id}") == {str(image.public_id)}
    assert ids(api, "/api/v1/images/?entered_in_error=true") == {str(other.public_id)}
    assert ids(api, f"/api/v1/reviews/?prediction={review.prediction.public_id}") == {str(review.public_id)}
    assert (
        ids(api, "/api/v1/reviews/?diagnosis=NV")
        != ids(api, "/api/v1/reviews/?diagnosis=BCC")
        == {str(review.public_id)}
    )


def test_an_image_entered_in_error_is_marked_and_so_is_its_reading(api: APIClient, owner: Membership) -> None:
    reading = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, image__entered_in_error_at=timezone.now()
    )
    answer = api.get(f"/api/v1/predictions/{reading.public_id}/").json()
    image = api.get(answer["links"]["image"]).json()
    assert answer["entered_in_error"] is True
    assert image["entered_in_error"] is True
    assert image["entered_in_error_at"] is not None


def test_all_readings_of_a_photograph_are_listed_the_newest_first(api: APIClient, owner: Membership) -> None:
    first = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    second = factories.DonePredictionFactory.create(image=first.image)
    factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    image = api.get(f"/api/v1/images/{first.image.public_id}/").json()
    listed = api.get(image["links"]["predictions"]).json()["results"]
    assert [row["id"] for row in listed] == [str(second.public_id), str(first.public_id)]
    versions = [each.model_version.version for each in (second, first) if each.model_version]
    assert [row["model"]["version"] for row in listed] == versions


def test_a_reading_that_does_not_count_says_so(api: APIClient, owner: Membership) -> None:
    old = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    new = factories.DonePredictionFactory.create(image=old.image)
    wrong = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, image__entered_in_error_at=timezone.now()
    )

    def told(reading: object) -> tuple[str, str | None, str]:
        answer = api.get(f"/api/v1/predictions/{reading.public_id}/").json()  # type: ignore[attr-defined] # a reading
        return answer["standing"], answer["superseded_by"], answer["notice"].split(":")[0]

    assert told(old) == ("superseded", str(new.public_id), "Superseded by a later reading")
    assert told(new)[:2] == ("valid", None)
    assert told(wrong) == ("entered_in_error", None, "Entered in error")
    assert "does not count" not in told(new)[2]
