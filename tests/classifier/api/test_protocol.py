"""What programs rely on beside the resources: methods, repeated filters, pictures by token, and a database away."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from classifier.api.views import records as views
from classifier.models import Outcome, Prediction
from skinsite.accounts.models import Membership
from skinsite.settings.rates import Rate
from tests import factories
from tests.classifier.api.conftest import LISTS, PREDICTIONS, ClientFor, create_token
from tests.classifier.api.test_problems import check_problem


@pytest.mark.parametrize("name", [*LISTS, "schema", "docs"])
def test_no_address_says_that_it_takes_what_it_refuses(name: str, api: APIClient) -> None:
    refused = api.options(f"/api/v1/{name}/")
    assert refused.status_code == 405
    for method in refused.headers["Allow"].split(", "):
        assert getattr(api, method.lower())(f"/api/v1/{name}/").status_code != 405, method


@pytest.fixture
def of_each_outcome(owner: Membership) -> dict[str, Prediction]:
    """A finished reading of each outcome."""
    version = factories.ModelVersionFactory.create()
    return {
        outcome: factories.DonePredictionFactory.create(
            image__lesion__patient__clinic=owner.clinic, model_version=version, outcome=outcome
        )
        for outcome in Outcome.values
    }


def test_a_filter_of_several_values_gives_rows_with_any(of_each_outcome: dict[str, Prediction], api: APIClient) -> None:
    rows = api.get(f"{PREDICTIONS}?outcome=suspicious&outcome=low_risk").json()["results"]
    assert {row["outcome"] for row in rows} == {"suspicious", "low_risk"}
    every = "&".join(f"outcome={outcome}" for outcome in Outcome.values)
    assert len(api.get(f"{PREDICTIONS}?{every}").json()["results"]) == len(Outcome.values)


@pytest.mark.parametrize(
    "query",
    [
        "modality=dermoscopic&modality=clinical",
        "reviewed=true&reviewed=false",
        "created_from=2026-01-01&created_from=2026-02-01",
        "page_size=10&page_size=20",
        "cursor=a&cursor=b",
        "image=7b0d6bd1-1a4e-4d38-9e2c-8a8c9e4b6f10&image=7b0d6bd1-1a4e-4d38-9e2c-8a8c9e4b6f11",
    ],
)
def test_a_filter_of_one_value_given_twice_is_refused(query: str, api: APIClient) -> None:
    body = check_problem(api.get(f"{PREDICTIONS}?{query}"), 400)
    assert body["errors"][0]["code"] == "repeated_filter"  # type: ignore[index] # a list, see check_problem
    assert body["errors"][0]["field"] == query.partition("=")[0]  # type: ignore[index]


@pytest.mark.parametrize("query", ["outcome=suspicious&outcome=", "outcome=suspicious&outcome=benign", "outcome=null"])
def test_one_wrong_value_among_several_is_refused(query: str, api: APIClient) -> None:
    check_problem(api.get(f"{PREDICTIONS}?{query}"), 400)


@pytest.mark.parametrize("error", [OperationalError("the connection is lost"), InterfaceError("already closed")])
def test_without_its_database_the_api_asks_to_come_back(
    error: Exception, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object) -> None:
        raise error

    monkeypatch.setattr(views.PatientViewSet, "get_queryset", fail)
    api.raise_request_exception = False
    response = api.get("/api/v1/patients/")
    body = check_problem(response, 503)
    assert body["errors"][0]["code"] == "database_unavailable"  # type: ignore[index] # as above
    assert 0 < int(response.headers["Retry-After"]) <= 60


def addresses_of(reading: Prediction) -> list[str]:
    """Where the pictures of a reading are."""
    image = reading.image.public_id
    return [
        reverse("image-file", args=[image]),
        reverse("image-thumbnail", args=[image]),
        reverse("heat-map", args=[reading.public_id]),
    ]


@pytest.mark.django_db
def test_pictures_are_had_with_a_token(
    owner: Membership, api: APIClient, photograph: bytes, active_model: object, client: Client
) -> None:
    answer = api.post(PREDICTIONS, {"image": SimpleUploadedFile("a.jpg", photograph)}, format="multipart").json()
    links = api.get(answer["links"]["image"]).json()["links"]
    key = {"authorization": f"Token {create_token(owner)}"}

    for address in (links["file"], links["thumbnail"], answer["links"]["heat_map"]):
        response = client.get(address, headers=key)
        assert (response.status_code, response["Content-Type"].partition("/")[0]) == (200, "image"), address
        assert b"".join(response.streaming_content)  # type: ignore[attr-defined] # a stream


@pytest.mark.parametrize("credentials", ["Token unknown", "Bearer unknown", "Basic eDp5", "Token"])
def test_a_program_without_a_valid_token_is_never_sent_to_a_page(
    credentials: str, client: Client, of_each_outcome: dict[str, Prediction]
) -> None:
    reading = of_each_outcome["suspicious"]
    pages = [reverse("reading", args=[reading.public_id]), reverse("history"), reverse("patients")]
    for address in [*addresses_of(reading), *pages]:
        response = client.get(address, headers={"authorization": credentials})
        check_problem(response, 401)
        assert response["WWW-Authenticate"] == "Token"


def test_a_token_shows_no_other_clinics_pictures(
    stranger: Membership, client: Client, of_each_outcome: dict[str, Prediction], client_for: ClientFor
) -> None:
    key = {"authorization": f"Token {create_token(stranger)}"}
    for address in addresses_of(of_each_outcome["suspicious"]):
        check_problem(client.get(address, headers=key), 404)


def test_a_token_opens_pictures_alone(owner: Membership, client: Client) -> None:
    key = {"authorization": f"Token {create_token(owner)}"}
    for address in (reverse("home"), reverse("history"), reverse("account")):
        check_problem(client.get(address, headers=key), 401)


def test_pictures_had_with_a_token_count_among_a_persons_requests(
    owner: Membership,
    api: APIClient,
    client: Client,
    of_each_outcome: dict[str, Prediction],
    settings: Settings,
) -> None:
    settings.RATE_LIMITS |= {"reads_person": Rate(2, 60)}
    key = {"authorization": f"Token {create_token(owner)}"}
    first, second, third = addresses_of(of_each_outcome["suspicious"])
    assert api.get("/api/v1/patients/").status_code == 200
    assert client.get(first, headers=key).status_code != 429
    for address in (second, third):
        refused = client.get(address, headers=key)
        assert check_problem(refused, 429)["errors"][0]["code"] == "throttled"  # type: ignore[index] # as above
        assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert api.get("/api/v1/patients/").status_code == 429


def test_a_token_whose_membership_has_ended_is_refused_as_a_program_reads_it(
    owner: Membership, client: Client, of_each_outcome: dict[str, Prediction]
) -> None:
    key = {"authorization": f"Token {create_token(owner)}"}
    Membership.objects.update(is_active=False)
    for address in addresses_of(of_each_outcome["suspicious"]):
        check_problem(client.get(address, headers=key), 401)


def test_a_program_of_a_session_without_a_clinic_is_refused_as_it_reads_it(owner: Membership, client: Client) -> None:
    client.force_login(owner.user)
    Membership.objects.update(is_active=False)
    check_problem(client.get(reverse("history"), headers={"authorization": "Token x"}), 403)
