"""Every error is an RFC 9457 problem, in the reader's language."""

import logging

import pytest
from django.core.exceptions import SuspiciousOperation
from pytest_django import Settings
from rest_framework.test import APIClient

from classifier.api.views import records as views
from skinsite.accounts.models import Membership
from skinsite.settings.rates import Rate
from tests.classifier.api.conftest import PREDICTIONS

MEMBERS = {"type", "title", "status", "detail", "errors", "request_id"}


def check_problem(response: object, status: int) -> dict[str, object]:
    """The body, once it is seen to be a problem of this status."""
    assert response.status_code == status  # type: ignore[attr-defined] # the test client's response
    assert response.headers["Content-Type"] == "application/problem+json"  # type: ignore[attr-defined]
    body: dict[str, object] = response.json()  # type: ignore[attr-defined]
    assert set(body) == MEMBERS
    assert body["status"] == status
    assert body["title"]
    assert body["request_id"] == response.headers["X-Request-ID"]  # type: ignore[attr-defined]
    assert body["detail"]
    errors = body["errors"]
    assert isinstance(errors, list)
    assert errors
    for error in errors:
        assert set(error) == {"field", "code", "detail"}
    return body


def test_statuses_that_any_address_may_have(api: APIClient, db: None) -> None:
    check_problem(APIClient().get("/api/v1/patients/"), 401)
    check_problem(api.get("/api/v1/patients/7b0d6bd1-1a4e-4d38-9e2c-8a8c9e4b6f10/"), 404)
    check_problem(api.get("/api/v1/patients/42/"), 404)
    check_problem(api.delete("/api/v1/patients/"), 405)
    check_problem(api.get("/api/v1/patients/", headers={"accept": "text/csv"}), 406)
    check_problem(api.post(PREDICTIONS, {"image": "a path"}, format="json"), 415)
    check_problem(api.generic("POST", PREDICTIONS, "not a form", content_type="multipart/form-data; boundary=x"), 400)
    check_problem(api.generic("POST", PREDICTIONS, "", content_type="multipart/form-data"), 400)


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/nothing/", "/api/v1/predictions", "/api/v2/patients/", "/api/"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_address_that_leads_nowhere_is_a_problem_and_no_redirection(path: str, method: str, api: APIClient) -> None:
    check_problem(getattr(api, method)(path), 404)


def test_a_fault_of_the_server_tells_nothing_of_its_insides(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_self: object) -> None:
        raise RuntimeError("the password of the database is x")

    monkeypatch.setattr(views.PatientViewSet, "get_queryset", fail)
    api.raise_request_exception = False
    with caplog.at_level(logging.ERROR):
        body = check_problem(api.get("/api/v1/patients/"), 500)
    assert "password" not in str(body)
    assert "the password of the database is x" in caplog.text


def test_a_suspicious_request_is_a_bad_request(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: object) -> None:
        raise SuspiciousOperation("too many fields")

    monkeypatch.setattr(views.PatientViewSet, "get_queryset", fail)
    check_problem(api.get("/api/v1/patients/"), 400)


@pytest.mark.parametrize(
    ("scope", "method", "address"), [("reads", "get", "/api/v1/patients/"), ("uploads", "post", PREDICTIONS)]
)
def test_over_its_rate_a_scope_is_refused_and_says_when_to_come_back(
    scope: str, method: str, address: str, api: APIClient, settings: Settings
) -> None:
    settings.RATE_LIMITS |= {f"{scope}_person": Rate(2, 60)}
    for _time in range(2):
        assert getattr(api, method)(address).status_code != 429
    response = getattr(api, method)(address)
    check_problem(response, 429)
    assert 0 < int(response.headers["Retry-After"]) <= 60
    other = api.post(PREDICTIONS) if scope == "reads" else api.get("/api/v1/patients/")
    assert other.status_code != 429


def test_several_wrong_fields_are_all_named(api: APIClient) -> None:
    body = check_problem(api.post(PREDICTIONS, {"modality": "x-ray", "lesion": "left"}, format="multipart"), 400)
    assert {error["field"] for error in body["errors"]} == {"image", "modality", "lesion"}  # type: ignore[attr-defined] # a list, see above


def test_a_member_without_a_clinic_is_told_what_to_do(owner: Membership) -> None:
    client = APIClient()
    client.force_login(owner.user)
    owner.is_active = False
    owner.save()
    body = check_problem(client.get("/api/v1/patients/"), 403)
    assert "administrator" in str(body["detail"])
