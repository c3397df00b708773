"""The recipes of docs/api.md do what they say: each is run as it stands against a live server."""

import csv
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.live_server_helper import LiveServer

from classifier.api.views.readings import PredictionViewSet
from classifier.models import Examination, Lesion, LesionImage, Prediction
from classifier.services.readings.queue import process_queue
from classifier.services.registry import register_model
from ml.bundle.folder import DEFAULT_BUNDLE
from skinsite.accounts.models import ApiToken, Membership
from tests import factories
from tests.classifier.api.conftest import create_token
from tests.classifier.conftest import draw_lesion

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"
SECTION = re.compile(r"^## (\d)\. .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPES = {
    (int(section[1]), block[1]): block[2]
    for section in SECTION.finditer(DOCUMENT.read_text(encoding="utf-8"))
    for block in BLOCK.finditer(section[0])
}
LANGUAGES = ("bash", "python")

pytestmark = pytest.mark.usefixtures("transactional_db", "store")


class Kitchen:
    """Runs recipes in a folder of their own, with the variables that they name."""

    def __init__(self, folder: Path, server: LiveServer, member: Membership) -> None:
        self.folder = folder
        for number, name in enumerate(("lesion.jpg", "later.jpg")):
            (folder / name).write_bytes(draw_lesion(seed=number))
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SKINSITE_URL": server.url,
            "SKINSITE_TOKEN": create_token(member),
            "PHOTO": "lesion.jpg",
            "PHOTO_LATER": "later.jpg",
        }

    def run(self, number: int, language: str) -> str:
        """The output of a recipe, which must end well."""
        done = self.try_out(number, language)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def try_out(self, number: int, language: str) -> "subprocess.CompletedProcess[str]":
        """What came of a recipe."""
        program = ["bash", "-euo", "pipefail", "-c"] if language == "bash" else [sys.executable, "-c"]
        return subprocess.run(
            [*program, RECIPES[number, language]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def kitchen(tmp_path: Path, live_server: LiveServer) -> Kitchen:
    """Where the recipes of one test are run."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    return Kitchen(folder, live_server, factories.MembershipFactory.create())


def test_there_are_six_recipes_in_two_languages() -> None:
    assert set(RECIPES) == {(number, language) for number in range(1, 7) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("active_model")
def test_1_read_a_photograph(language: str, kitchen: Kitchen) -> None:
    output = kitchen.run(1, language)
    reading = Prediction.objects.get()
    assert reading.status == "done"
    assert reading.outcome
    assert reading.outcome in output
    assert str(reading.malignant_probability) in output


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("active_model")
def test_2_read_it_for_a_known_lesion_and_patient(language: str, kitchen: Kitchen) -> None:
    kitchen.run(2, language)
    lesion = Lesion.objects.get()
    assert (lesion.patient.code, lesion.body_site) == ("P-1024", "back")
    assert LesionImage.objects.of_lesion(lesion).count() == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_3_wait_for_a_queued_reading(language: str, kitchen: Kitchen) -> None:
    def put_a_model_in_service() -> None:
        register_model(path=DEFAULT_BUNDLE, activate=True)
        process_queue()

    helper = when_it_waits(put_a_model_in_service)
    output = kitchen.run(3, language)
    helper.join()
    reading = Prediction.objects.get()
    assert reading.status == "done"
    assert str(reading.outcome) in output


def when_it_waits(act: Callable[[], None]) -> threading.Thread:
    """Do something beside, as soon as a reading waits."""

    def watch() -> None:
        while not Prediction.objects.filter(status="queued").exists():
            time.sleep(0.1)
        act()

    helper = threading.Thread(target=watch)
    helper.start()
    return helper


@pytest.mark.parametrize("language", LANGUAGES)
def test_3_ends_when_the_token_is_revoked_meanwhile(language: str, kitchen: Kitchen) -> None:
    helper = when_it_waits(lambda: ApiToken.objects.all().delete())
    done = kitchen.try_out(3, language)
    helper.join()

    assert done.returncode == 1
    assert "401" in done.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_3_goes_on_after_a_moment_without_the_database(
    language: str, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieve = PredictionViewSet.retrieve
    asked: list[int] = []

    def falter(*arguments: Any, **named: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            raise OperationalError("the connection is lost")
        return retrieve(*arguments, **named)

    def put_a_model_in_service() -> None:
        register_model(path=DEFAULT_BUNDLE, activate=True)
        process_queue()

    monkeypatch.setattr(PredictionViewSet, "retrieve", falter)
    helper = when_it_waits(put_a_model_in_service)
    output = kitchen.run(3, language)
    helper.join()

    assert str(Prediction.objects.get().outcome) in output
    assert len(asked) > 1


@pytest.mark.parametrize("number", [3, 5])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_token_that_is_not_valid_ends_a_recipe_at_once(number: int, language: str, kitchen: Kitchen) -> None:
    kitchen.environment["SKINSITE_TOKEN"] = "0" * 64
    done = kitchen.try_out(number, language)

    assert done.returncode != 0
    assert "401" in done.stderr
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("language", LANGUAGES)
def test_4_page_through_the_readings_of_a_month_into_a_csv(language: str, kitchen: Kitchen) -> None:
    clinic = Membership.objects.get().clinic
    version = factories.ModelVersionFactory.create()
    october = {
        str(
            factories.DonePredictionFactory.create(
                image__lesion__patient__clinic=clinic,
                model_version=version,
                created_at=datetime(2026, 10, 1 + number % 31, 12, tzinfo=UTC),
            ).public_id
        )
        for number in range(205)
    }
    factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=clinic, model_version=version, created_at=datetime(2026, 11, 1, tzinfo=UTC)
    )
    kitchen.run(4, language)
    with (kitchen.folder / "readings.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 205
    assert {row["id"] for row in rows} == october
    assert {(row["outcome"], row["malignant_probability"]) for row in rows} == {("suspicious", "0.34")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("active_model")
def test_5_handle_errors_and_duplicates(language: str, kitchen: Kitchen) -> None:
    output = kitchen.run(5, language)
    statuses = re.findall(r"\b\d{3}\b", re.sub(r"\{.*\}", "", output))
    assert statuses[:4] == ["201", "200", "409", "201"]
    assert Prediction.objects.count() == 2
    if language == "bash":
        problem = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
        assert Lesion.objects.filter(public_id=problem["lesion"]).exists()
    else:
        assert "modality invalid_choice" in output


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("active_model")
def test_6_follow_a_lesion_from_visit_to_visit(language: str, kitchen: Kitchen) -> None:
    output = kitchen.run(6, language)
    lesion = Lesion.objects.get()
    newest_first = Examination.objects.filter(lesion=lesion).order_by("-pk").select_related("visit", "reading")
    assert [each.visit.day.isoformat() for each in newest_first] == ["2026-03-09", "2025-03-04"]
    told = [f"{each.public_id} {each.reading.outcome}" for each in newest_first if each.reading]
    assert output.splitlines() == told
    assert (lesion.side, len(told)) == ("left", 2)
