"""The description of the API: complete, without a warning, as committed, readable with nothing from elsewhere."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from drf_spectacular.validation import validate_schema

from classifier.api.urls import router

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The description, made anew; a single warning is an error."""
    path = tmp_path_factory.mktemp("description") / "openapi.yaml"
    with translation.override("en"):
        call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(path))
    return path.read_text(encoding="utf-8")


def test_the_committed_description_is_the_one_that_the_code_gives(generated: str) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == generated, "docs/openapi.yaml is out of date: run `make openapi`."


def test_every_address_of_the_router_is_described_with_its_problems(generated: str) -> None:
    description = yaml.safe_load(generated)
    described = set(description["paths"])
    assert {f"/api/v1/{route.pattern}".replace("<uuid:id>", "{id}") for route in router.urls} == described
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            statuses = set(operation["responses"])
            assert {"401", "403", "405", "406", "429", "500"} <= statuses, (method, path)
            assert ("404" in statuses) == ("{id}" in path)
    assert {"200", "201", "202", "400", "409", "411", "413", "415", "422"} <= set(
        description["paths"]["/api/v1/predictions/"]["post"]["responses"]
    )


@pytest.mark.django_db
def test_it_is_served_to_anybody_and_valid(client: Client) -> None:
    response = client.get("/api/v1/schema/")
    assert response.status_code == 200
    description = yaml.safe_load(response.content)
    validate_schema(description)  # type: ignore[no-untyped-call] # the library's
    assert description["openapi"].startswith("3.1")


def policy(response: object) -> dict[str, list[str]]:
    """The content security policy of a response, by directive."""
    header = str(response.headers["Content-Security-Policy"])  # type: ignore[attr-defined] # the test client's response
    return {words[0]: words[1:] for words in (part.split() for part in header.split(";")) if words}


@pytest.mark.django_db
def test_the_docs_load_nothing_from_elsewhere_and_run_no_inline_script(client: Client) -> None:
    response = client.get("/api/v1/docs/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("<script") == page.count("<script src=")
    script = client.get("/api/v1/docs/", {"script": ""})
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "/api/v1/schema/" in script.content.decode()


@pytest.mark.django_db
def test_the_docs_have_their_own_policy_which_adds_inline_style_and_nothing_else(client: Client) -> None:
    docs, elsewhere = policy(client.get("/api/v1/docs/")), policy(client.get("/api/v1/patients/"))
    assert docs.pop("style-src") == [*elsewhere.pop("style-src"), "'unsafe-inline'"]
    assert docs == elsewhere
    assert docs["script-src"] == ["'self'"]


def test_what_the_texts_of_an_upload_name_is_there(generated: str) -> None:
    description = yaml.safe_load(generated)
    fields = set(description["components"]["schemas"]["UploadAnswer"]["properties"])
    text = description["paths"]["/api/v1/predictions/"]["post"]["responses"]["202"]["description"]
    assert set(re.findall(r"`([a-z_]+)`", text)) - {"failed"} <= fields
