"""Errors of the domain carry their status and words to people and to programs."""

import pytest
from django.test import Client

from skinsite.accounts.models import Membership
from tests.skinsite.conftest import SignIn


@pytest.mark.urls("tests.skinsite.broken_urls")
def test_what_the_state_does_not_allow_is_a_page_for_people_and_a_problem_for_programs(
    owner: Membership, sign_in: SignIn
) -> None:
    client: Client = sign_in(owner)
    page = client.get("/closed/")
    assert (page.status_code, "It is closed already." in page.content.decode()) == (409, True)
    told = client.get("/api/closed/", headers={"accept-language": "ru"})
    assert (told.status_code, told["Content-Type"]) == (409, "application/problem+json")
    body = told.json()
    assert body.pop("request_id") == told["X-Request-ID"]
    assert body == {
        "type": "about:blank",
        "title": "Конфликт",
        "status": 409,
        "detail": "It is closed already.",
        "errors": [{"field": None, "code": "closed", "detail": "It is closed already."}],
    }
