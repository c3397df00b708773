"""The demonstration clinic: attributed samples of the test fold, read by the shipped network, for a laptop alone."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from classifier.models import (
    Examination,
    Lesion,
    LesionImage,
    LesionReading,
    ModelVersion,
    Outcome,
    Patient,
    Prediction,
    Review,
    Status,
    Visit,
)
from classifier.services import demonstration as demonstration_service
from classifier.services.demonstration import SAMPLES, read_samples
from ml.data.split import read_split
from skinsite.accounts import demonstration
from skinsite.accounts.models import Clinic, Membership, User
from skinsite.health import run_checks
from skinsite.health.system_checks import check_demonstration
from skinsite.settings import base


@pytest.fixture
def var(settings: Settings, tmp_path: Path) -> Path:
    """A folder for the passwords of this test's own."""
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "var"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two samples instead of all, where reading all of them would show no more."""
    samples = read_samples()[:2]
    monkeypatch.setattr(demonstration_service, "read_samples", lambda: samples)


@pytest.fixture
def one_patient(monkeypatch: pytest.MonkeyPatch) -> str:
    """The samples of one patient alone, whose lesions are followed; gives the code."""
    samples = [sample for sample in read_samples() if sample.code == "DEMO-21"]
    monkeypatch.setattr(demonstration_service, "read_samples", lambda: samples)
    return "DEMO-21"


def create() -> list[list[str]]:
    """Run the command; gives role, address and password of each line."""
    out = StringIO()
    call_command("create_demo", stdout=out)
    return [line.split() for line in out.getvalue().splitlines()]


def test_the_samples_are_of_the_test_fold_with_their_attribution() -> None:
    samples, folds = read_samples(), read_split().fold_of
    assert len(samples) == len({sample.image for sample in samples}) == 47
    assert {folds[sample.image] for sample in samples} == {"test"}
    assert {path.stem for path in (SAMPLES / "photographs").iterdir()} == {sample.image for sample in samples}
    attribution = (SAMPLES / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "CC BY-NC 4.0" in attribution
    assert "Tschandl" in attribution
    assert "**Invented** are the days" in attribution
    with (SAMPLES / "samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["diagnosis"] for row in rows} == {"MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"}
    assert len({row["lesion"] for row in rows}) == 20


def test_three_people_can_sign_in_and_all_samples_are_read_some_reviewed(var: Path, active_model: ModelVersion) -> None:
    accounts = create()
    assert [account[0] for account in accounts] == ["clinician", "reviewer", "administrator"]
    for _role, email, password in accounts:
        response = Client().post("/login/", {"login": email, "password": password})
        assert response.status_code == 302, email
    assert (var / "demo-accounts.json").stat().st_mode & 0o777 == 0o600
    readings = Prediction.objects.all()
    assert (len(readings), LesionImage.objects.count()) == (47, 47)
    assert set(Patient.objects.values_list("code", flat=True)) == {f"DEMO-{number:02}" for number in range(1, 25)}
    assert {reading.status for reading in readings} == {Status.DONE}
    assert {reading.model_version for reading in readings} == {active_model}
    together = LesionReading.objects.in_force().get(reason="photographs_disagree")
    assert (together.examination.lesion.label, len(together.inputs)) == ("HAM_0004829", 3)
    assert Review.objects.count() == 12
    assert {review.reviewer.email for review in Review.objects.all()} == {"reviewer@demo.example"}


def test_some_lesions_are_followed_over_time_and_their_dates_are_said_to_be_invented(
    var: Path, one_patient: str, active_model: ModelVersion
) -> None:
    create()
    today = timezone.localdate()
    visits = Visit.objects.filter(patient__code=one_patient)
    assert [round((today - visit.day).days / 30.44) for visit in visits.order_by("day")] == [14, 7, 0]
    assert {(visit.purpose, visit.scope, visit.seen) for visit in visits} == {("demo", "whole_skin", "in_person")}
    outcomes = {
        (lesion.label, lesion.body_site, lesion.side): [
            (look.reading.outcome, len(look.reading.inputs))
            for look in lesion.examinations.order_by("visit__day")
            if look.reading is not None
        ]
        for lesion in Lesion.objects.all()
    }
    low, high = (Outcome.LOW_RISK, 1), Outcome.SUSPICIOUS
    assert outcomes == {
        ("HAM_0006391", "lower_extremity", "left"): [low, low, low],
        ("HAM_0006528", "back", "right"): [low, low, low],
        ("HAM_0005509", "upper_extremity", "right"): [(high, 1), (high, 2)],
    }
    changed = Examination.objects.get(lesion__label="HAM_0005509", visit__day=today)
    assert (changed.has_changed, changed.bleeds, changed.is_new) == (True, True, None)
    clinician = Client()
    clinician.force_login(User.objects.get(email="clinician@demo.example"))
    page = clinician.get(f"/lesions/{changed.lesion.public_id}/").content.decode()
    assert "Patients, dates, sides and histories are invented." in page
    taken = LesionImage.objects.values_list("taken_on", "examination__visit__day")
    assert all(day == of_visit for day, of_visit in taken)


def test_a_run_that_was_broken_off_is_taken_up_where_it_stopped(
    var: Path, one_patient: str, active_model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = demonstration_service.read_samples()
    monkeypatch.setattr(demonstration_service, "read_samples", lambda: samples[:4])
    create()
    monkeypatch.setattr(demonstration_service, "read_samples", lambda: samples)
    create()
    create()
    rows = (Patient, Lesion, Visit, LesionImage, Prediction)
    assert [model.objects.count() for model in rows] == [1, 3, 3, 9, 9]


def test_running_it_again_changes_nothing(var: Path, few: None, active_model: ModelVersion) -> None:
    first = create()
    assert create() == first
    assert (Clinic.objects.count(), User.objects.count(), Membership.objects.count()) == (1, 3, 3)
    assert (Prediction.objects.count(), Review.objects.count()) == (2, 1)


def test_a_password_that_was_changed_or_lost_is_set_anew(var: Path, few: None, active_model: ModelVersion) -> None:
    first = {email: password for _role, email, password in create()}
    user = User.objects.get(email="reviewer@demo.example")
    user.set_password("something else entirely")
    user.save()
    second = {email: password for _role, email, password in create()}
    assert {email for email in first if first[email] != second[email]} == {"reviewer@demo.example"}
    user.refresh_from_db()
    assert user.check_password(second[user.email])
    (var / "demo-accounts.json").unlink()
    assert not {password for _role, _email, password in create()} & set(second.values())


def test_without_a_model_the_cases_wait_and_are_reviewed_once_they_are_read(var: Path, store: Path, db: None) -> None:
    create()
    assert set(Prediction.objects.values_list("status", flat=True)) == {Status.QUEUED}
    assert not Review.objects.exists()


def test_production_settings_refuse_the_command_the_accounts_and_their_sessions(
    var: Path, few: None, active_model: ModelVersion, settings: Settings
) -> None:
    accounts = create()
    signed_in = Client()
    signed_in.force_login(User.objects.get(email=accounts[0][1]))
    assert signed_in.get("/history/").status_code == 200
    settings.DEMO_ALLOWED = False
    with pytest.raises(CommandError) as refused:
        create()
    assert refused.value.returncode == 2
    assert "create_clinic" in str(refused.value)
    for _role, email, password in accounts:
        assert Client().post("/login/", {"login": email, "password": password}).status_code == 200, email
    assert signed_in.get("/history/").status_code == 403


def test_doctor_and_a_system_check_tell_of_a_demonstration_in_production(
    var: Path, few: None, active_model: ModelVersion, settings: Settings
) -> None:
    assert run_checks()["demonstration"].ok
    assert check_demonstration(databases=["default"]) == []
    create()
    assert run_checks()["demonstration"].ok
    settings.DEMO_ALLOWED = False
    result = run_checks()["demonstration"]
    assert (result.ok, result.remedy) == (False, demonstration.DEMO_REMEDY)
    assert [message.id for message in check_demonstration(databases=["default"])] == ["skinsite.W002"]


def test_the_production_settings_do_not_allow_it() -> None:
    production = (Path(__file__).parents[3] / "skinsite" / "settings" / "production.py").read_text(encoding="utf-8")
    assert "DEMO_ALLOWED" not in production
    assert base.DEMO_ALLOWED is False
