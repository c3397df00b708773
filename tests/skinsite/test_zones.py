"""Days and hours of a place: the first instant of a day, the names, the words."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone, translation
from pytest_django import Settings

from classifier.models import ClinicPractice
from skinsite.accounts.models import Clinic, Membership
from skinsite.audit.models import AuditEvent
from skinsite.health.system_checks import check_default_time_zone
from skinsite.zones import end_of_day, find_zone_name, offset_text, start_of_day, write_moment, zone_named, zone_names
from tests.factories import ClinicFactory
from tests.skinsite.conftest import SignIn
from tests.triggers import lifted_triggers


@pytest.fixture(autouse=True)
def _zone_of_its_own() -> Iterator[None]:
    yield
    timezone.deactivate()


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        ("UTC", "2025-11-28", "2025-11-28T00:00", "2025-11-29T00:00"),
        ("Asia/Vladivostok", "2025-11-28", "2025-11-27T14:00", "2025-11-28T14:00"),
        ("America/New_York", "2025-11-28", "2025-11-28T05:00", "2025-11-29T05:00"),
        ("Asia/Kolkata", "2025-11-28", "2025-11-27T18:30", "2025-11-28T18:30"),
        ("Pacific/Chatham", "2025-11-28", "2025-11-27T10:15", "2025-11-28T10:15"),
        # 23 and 25 hours; in Lord Howe 23.5 and 24.5
        ("America/New_York", "2025-03-09", "2025-03-09T05:00", "2025-03-10T04:00"),
        ("America/New_York", "2025-11-02", "2025-11-02T04:00", "2025-11-03T05:00"),
        ("Australia/Lord_Howe", "2025-10-05", "2025-10-04T13:30", "2025-10-05T13:00"),
        ("Australia/Lord_Howe", "2025-04-06", "2025-04-05T13:00", "2025-04-06T13:30"),
        # Clocks go from 0:00 to 1:00, and in autumn back from 24:00 to 23:00
        ("Africa/Cairo", "2025-04-25", "2025-04-24T22:00", "2025-04-25T21:00"),
        ("Africa/Cairo", "2025-10-30", "2025-10-29T21:00", "2025-10-30T22:00"),
        # Midnight comes twice
        ("America/Havana", "2025-11-02", "2025-11-02T04:00", "2025-11-03T05:00"),
        # Samoa went without this day
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", "2011-12-30T10:00"),
    ],
)
def test_a_day_lasts_from_its_first_instant_to_the_next_ones(zone: str, day: str, start: str, end: str) -> None:
    timezone.activate(ZoneInfo(zone))
    assert start_of_day(date.fromisoformat(day)) == datetime.fromisoformat(f"{start}+00:00")
    assert end_of_day(date.fromisoformat(day)) == datetime.fromisoformat(f"{end}+00:00")


@pytest.mark.parametrize("zone", ["Asia/Vladivostok", "America/New_York"])
def test_the_calendars_ends_are_days_too(zone: str) -> None:
    timezone.activate(ZoneInfo(zone))
    assert start_of_day(date.min) < end_of_day(date.min) < start_of_day(date.max) <= end_of_day(date.max)


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "UTC"),
        ("Asia/Vladivostok", "UTC+10"),
        ("Asia/Kolkata", "UTC+5:30"),
        ("America/St_Johns", "UTC−3:30"),
        ("Pacific/Chatham", "UTC+13:45"),
    ],
)
def test_a_zone_is_told_by_its_distance_from_utc(zone: str, text: str) -> None:
    assert offset_text(datetime(2025, 11, 28, tzinfo=ZoneInfo(zone))) == text


def test_a_moment_is_written_by_the_languages_rule() -> None:
    moment = datetime(2025, 11, 4, 18, 52, 7, tzinfo=UTC)
    timezone.activate(ZoneInfo("Europe/Moscow"))
    assert write_moment(moment) == "4 Nov 2025, 21:52 UTC+3"
    with translation.override("ru"):
        assert write_moment(moment, seconds=True) == "4 ноября 2025, 21:52:07 UTC+3"


def test_names_are_those_of_iana_however_they_are_typed() -> None:
    assert {"Asia/Vladivostok", "Pacific/Chatham", "Australia/Lord_Howe", "UTC"} <= set(zone_names())
    assert not [name for name in zone_names() if name.startswith(("posix", "right"))]
    assert find_zone_name(" america/new york ") == "America/New_York"
    assert find_zone_name("Middle-earth/Shire") is None


def test_a_persons_zone_goes_before_the_clinics_and_that_before_the_sites(
    owner: Membership, settings: Settings
) -> None:
    settings.DEFAULT_TIME_ZONE = "Europe/Berlin"
    assert str(owner.zone) == "Europe/Berlin"
    owner.clinic.time_zone = "Asia/Vladivostok"
    assert str(owner.zone) == "Asia/Vladivostok"
    owner.user.time_zone = "Asia/Kolkata"
    assert str(owner.zone) == "Asia/Kolkata"
    assert str(zone_named("Of/Another_Machine")) == "Europe/Berlin"
    settings.DEFAULT_TIME_ZONE = "Mars/Base"
    assert str(zone_named()) == "UTC"


def test_a_default_that_is_no_zone_is_told_by_its_variable(settings: Settings) -> None:
    settings.DEFAULT_TIME_ZONE = "Moskau"
    (error,) = check_default_time_zone()
    assert error.msg == "DEFAULT_TIME_ZONE is 'Moskau', which is no time zone."
    settings.DEFAULT_TIME_ZONE = "Europe/Moscow"
    assert check_default_time_zone() == []


def test_an_administrator_sets_the_clinics_zone_on_record(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    page = client.get("/clinic/").content.decode()
    assert '<option value="Asia/Vladivostok">' in page
    client.post("/clinic/time-zone/", {"time_zone": "asia/vladivostok"})
    assert Clinic.objects.get().time_zone == "Asia/Vladivostok"
    assert AuditEvent.objects.get(action="clinic.time_zone_set").details == {"before": "", "after": "Asia/Vladivostok"}
    refused = client.post("/clinic/time-zone/", {"time_zone": "Moskau"})
    assert refused.status_code == 422
    assert "“Moskau” is no time zone. Choose one from the list" in refused.content.decode()
    client.post("/clinic/time-zone/", {"time_zone": ""})
    assert Clinic.objects.get().time_zone == ""


def test_a_zone_unknown_to_this_machine_does_not_keep_the_rest_from_being_set(
    administrator: Membership, sign_in: SignIn
) -> None:
    Clinic.objects.update(time_zone="Of/Another_Machine")
    client = sign_in(administrator)
    assert client.post("/clinic/name/", {"name": "Northern"}).status_code == 302
    assert client.post("/clinic/practice/", {"malignant_percent": "3.5"}).status_code == 302
    assert Clinic.objects.get().name == "Northern"
    assert ClinicPractice.objects.get().malignant_percent == Decimal("3.5")


def test_nobody_else_sets_the_clinics_zone(owner: Membership, sign_in: SignIn) -> None:
    assert sign_in(owner).post("/clinic/time-zone/", {"time_zone": "Asia/Vladivostok"}).status_code == 403
    assert Clinic.objects.get().time_zone == ""


def test_everybody_sets_their_own_zone(owner: Membership, sign_in: SignIn) -> None:
    client = sign_in(owner)
    assert '<option value="Pacific/Chatham">' in client.get("/account/").content.decode()
    client.post("/account/person/", {"name": owner.user.name, "time_zone": "Pacific/Chatham"})
    owner.user.refresh_from_db()
    assert owner.user.time_zone == "Pacific/Chatham"
    refused = client.post("/account/person/", {"name": owner.user.name, "time_zone": "x" * 80})
    assert refused.status_code == 422


@pytest.mark.django_db
def test_the_audit_trail_tells_its_times_in_the_readers_zone(administrator: Membership, sign_in: SignIn) -> None:
    administrator.clinic.time_zone = "Asia/Vladivostok"
    administrator.clinic.save()
    with lifted_triggers():
        AuditEvent.objects.create(
            clinic=administrator.clinic, kind="change", action="noon", at=datetime(2025, 11, 3, 23, 30, 5, tzinfo=UTC)
        )
    page = sign_in(administrator).get("/admin/audit/auditevent/").content.decode()
    assert "4 Nov 2025, 09:30:05 UTC+10" in page


def test_the_zone_of_one_request_is_not_that_of_the_next(owner: Membership, sign_in: SignIn) -> None:
    owner.clinic.time_zone = "Asia/Vladivostok"
    owner.clinic.save()
    sign_in(owner).get("/account/")
    assert timezone.get_current_timezone_name() == "UTC"
    assert Client().get("/login/").status_code == 200
    assert ClinicFactory.create().time_zone == ""
