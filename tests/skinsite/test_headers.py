"""Headers, limits and error pages that hold for every address."""

import re

import pytest
from django.test import Client
from django.test.client import FakePayload
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts.models import Membership, Role
from tests.factories import MembershipFactory
from tests.skinsite.conftest import SignIn

STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}


def policy(header: str) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in header.split("; "))


@pytest.mark.parametrize("name", ["account_login", "home", "account", "clinic", "history", "patients"])
def test_pages_for_people_run_and_style_nothing_inline(administrator: Membership, sign_in: SignIn, name: str) -> None:
    response = sign_in(administrator).get(reverse(name), follow=True)
    assert policy(response["Content-Security-Policy"]) == STRICT


@pytest.mark.parametrize(
    "name", ["account_login", "account", "clinic", "account_change_password", "mfa_index", "mfa_add_webauthn"]
)
def test_pages_for_people_contain_nothing_inline(administrator: Membership, sign_in: SignIn, name: str) -> None:
    html = sign_in(administrator).get(reverse(name), follow=True).content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", html) == []


def test_the_admin_has_its_own_policy(owner: Membership, sign_in: SignIn) -> None:
    reviewer = MembershipFactory.create(clinic=owner.clinic, role=Role.REVIEWER)
    response = sign_in(reviewer).get(reverse("admin:index"), follow=True)
    assert response.status_code == 200
    given = policy(response["Content-Security-Policy"])
    assert given == STRICT | {
        "script-src": "'self' 'unsafe-eval' 'unsafe-inline'",
        "style-src": "'self' 'unsafe-inline'",
    }


def test_no_other_page_gets_the_admins_policy(client: Client, db: None) -> None:
    given = client.get("/administration/", headers={"accept": "text/html"})["Content-Security-Policy"]
    assert "unsafe" not in given


def test_headers_that_browsers_need_to_be_told(client: Client, db: None) -> None:
    response = client.get(reverse("account_login"))
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Permissions-Policy"].startswith("camera=(self), geolocation=()")


def test_a_page_behind_a_session_is_not_kept_by_caches(owner: Membership, sign_in: SignIn) -> None:
    response = sign_in(owner).get(reverse("account"))
    assert response["Cache-Control"] == "private, no-store"


def test_the_address_at_which_passwords_are_tried_is_the_one_that_has_turns_of_its_own(settings: Settings) -> None:
    assert {reverse("account_login")} == settings.SIGN_IN_PATHS


def test_a_request_that_is_too_large_gets_a_page(client: Client, db: None, settings: Settings) -> None:
    response = client.post(
        reverse("upload"), b"x", content_type="multipart/form-data", CONTENT_LENGTH=settings.REQUEST_MAX_BYTES + 1
    )
    assert response.status_code == 413
    page = response.content.decode()
    assert "at most 130 MB. Send fewer photographs at once" in page
    assert "Nothing was saved." in page


@pytest.mark.parametrize("address", ["/login/", "/history/", "/api/v1/patients/", "/api/v1/nowhere/", "/admin/"])
def test_a_form_of_more_than_64_kilobytes_is_refused_unread(client: Client, db: None, address: str) -> None:
    sent = FakePayload(b"x")
    answer = client.generic("POST", address, CONTENT_LENGTH="64001", **{"wsgi.input": sent})  # type: ignore[arg-type] # the stubs know text alone
    assert answer.status_code == 413
    assert "at most 64 kB" in answer.content.decode()
    assert len(sent.read(1)) == 1  # nothing of it was read
    assert client.post("/login/", b"x" * 64_000, content_type="text/plain").status_code != 413


def test_the_addresses_for_photographs_are_those_whose_views_take_them(settings: Settings) -> None:
    assert {reverse("upload"), reverse("api-prediction-list")} == settings.UPLOAD_PATHS


def test_a_request_that_is_too_large_gets_a_problem_from_the_api(client: Client, db: None, settings: Settings) -> None:
    response = client.post(
        "/api/v1/predictions/",
        b"x",
        content_type="multipart/form-data",
        CONTENT_LENGTH=settings.REQUEST_MAX_BYTES + 1,
    )
    assert response.status_code == 413
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"] == [
        {
            "field": "image",
            "code": "too_large",
            "detail": "The request is too large: it may have at most 130 MB. "
            "Send fewer photographs at once, or smaller ones.",
        }
    ]


def test_a_form_of_another_site_is_refused(owner: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner.user)
    response = client.post(reverse("account_logout"))
    assert response.status_code == 403
    assert "out of date" in response.content.decode()
    assert client.get(reverse("account")).status_code == 200


def test_an_unknown_address_gets_a_page_or_a_problem(client: Client, db: None) -> None:
    page = client.get("/nothing/")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    problem = client.get("/api/nothing")
    assert (problem.status_code, problem["Content-Type"]) == (404, "application/problem+json")
    assert problem.json()["errors"][0]["code"] == "not_found"


def test_our_own_fault_gets_a_page_without_details(settings: Settings, db: None) -> None:
    settings.ROOT_URLCONF = "tests.skinsite.broken_urls"
    client = Client(raise_request_exception=False)
    page = client.get("/broken/")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.content.decode()
    assert "the secret cause" not in page.content.decode()
    assert page["X-Request-ID"] in page.content.decode()
    problem = client.get("/api/broken/")
    assert (problem.status_code, problem["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in problem.content.decode()


def test_without_the_database_people_and_programs_are_asked_to_come_back(settings: Settings, db: None) -> None:
    settings.ROOT_URLCONF = "tests.skinsite.broken_urls"
    client = Client(raise_request_exception=False)
    page, problem = client.get("/away/"), client.get("/api/away/")
    for answer in (page, problem):
        assert answer.status_code == 503
        assert 0 < int(answer["Retry-After"]) <= 60
        assert "secret" not in answer.content.decode()
    assert page["X-Request-ID"] in page.content.decode()
    assert "try again in a minute" in page.content.decode()
    body = problem.json()
    assert (body["errors"][0]["code"], body["request_id"]) == ("database_unavailable", problem["X-Request-ID"])
