"""Days are counted, and times told, where people are."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import Prediction
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.web.conftest import ClientFor

# A reading made at this moment, and its day by the clock on the wall.
MADE = [
    ("Asia/Vladivostok", "2025-11-03T23:27", "2025-11-04"),
    ("America/New_York", "2025-11-05T01:30", "2025-11-04"),
    ("Asia/Kolkata", "2025-11-03T18:30", "2025-11-04"),
    ("Pacific/Chatham", "2025-11-03T10:15", "2025-11-04"),
    ("Australia/Lord_Howe", "2025-04-06T13:29", "2025-04-06"),
    ("Africa/Cairo", "2025-10-30T21:30", "2025-10-30"),
    ("America/Havana", "2025-11-02T04:30", "2025-11-02"),
]


def reading_at(owner: Membership, moment: str) -> Prediction:
    made: Prediction = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic,
        created_at=datetime.fromisoformat(moment).replace(tzinfo=UTC),
        finished_at=datetime.fromisoformat(moment).replace(tzinfo=UTC),
    )
    return made


@pytest.mark.parametrize("whose", ["clinic", "person"])
@pytest.mark.parametrize(("zone", "moment", "day"), MADE)
def test_the_history_counts_days_where_the_reader_is(
    zone: str, moment: str, day: str, whose: str, owner: Membership
) -> None:
    subject = owner.clinic if whose == "clinic" else owner.user
    subject.time_zone = zone
    subject.save()
    reading = reading_at(owner, moment)
    site = Client()
    site.force_login(owner.user)
    address = reverse("reading", args=[reading.public_id])
    year, month, of_month = day.split("-")

    def listed(since: str, until: str) -> bool:
        return address in site.get(reverse("history"), {"since": since, "until": until}).content.decode()

    assert listed(day, day)
    assert not listed("2025-01-01", f"{year}-{month}-{int(of_month) - 1:02}")
    assert not listed(f"{year}-{month}-{int(of_month) + 1:02}", "2025-12-31")


@pytest.mark.parametrize(("zone", "moment", "day"), MADE)
def test_the_api_counts_days_where_the_clinic_is_and_tells_times_in_utc(
    zone: str, moment: str, day: str, owner: Membership, client_for: ClientFor
) -> None:
    owner.clinic.time_zone = zone
    owner.clinic.save()
    owner.user.time_zone = "Pacific/Kiritimati"
    owner.user.save()
    reading = reading_at(owner, moment)
    api = client_for(owner)

    def listed(**asked: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = api.get("/api/v1/predictions/", asked).json()["results"]
        return found

    assert [each["id"] for each in listed(created_from=day)] == [str(reading.public_id)]
    assert listed(created_before=day) == []
    assert listed(created_from=day)[0]["created_at"] == f"{moment}:00Z"
    assert [each["id"] for each in listed(created_from=f"{moment}:00Z")] == [str(reading.public_id)]


@pytest.mark.parametrize("asked", ["2025-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "٢٠٢٥-١١-٠٤"])
def test_odd_dates_are_no_fault_of_the_server(asked: str, owner: Membership, site: Client) -> None:
    owner.clinic.time_zone = "Asia/Vladivostok"
    owner.clinic.save()
    assert site.get("/api/v1/predictions/", {"created_from": asked}).status_code in {200, 400}
    for name in ("since", "until"):
        assert site.get(reverse("history"), {name: asked}).status_code == 200


def test_pages_tell_times_where_the_reader_is(
    owner: Membership, reviewer: Membership, site: Client, client_for: ClientFor
) -> None:
    owner.clinic.time_zone = "Asia/Vladivostok"
    owner.clinic.save()
    reading = reading_at(owner, "2025-11-03T23:27")
    assert "4 Nov 2025" in site.get(reverse("home")).content.decode()
    page = site.get(reverse("reading", args=[reading.public_id]))
    assert "4 Nov 2025, 09:27 UTC+10" in page.content.decode()
    site.cookies["django_language"] = "ru"
    page = site.get(reverse("reading", args=[reading.public_id]))
    assert "4 ноября 2025, 09:27 UTC+10" in page.content.decode()
    review = client_for(reviewer).get(reverse("admin:classifier_prediction_change", args=[reading.public_id]))
    assert "4 Nov 2025, 09:27:00 UTC+10" in review.content.decode()


def test_the_admin_filters_by_the_readers_day(
    owner: Membership, reviewer: Membership, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2025, 11, 4, 22, 0, tzinfo=UTC)  # 8 o'clock of the 5th in Vladivostok
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    owner.clinic.time_zone = "Asia/Vladivostok"
    owner.clinic.save()
    today, yesterday = reading_at(owner, "2025-11-04T14:00"), reading_at(owner, "2025-11-04T13:59")
    client = client_for(reviewer)
    page = client.get(reverse("admin:classifier_prediction_changelist"))
    (spec,) = [each for each in page.context["cl"].filter_specs if getattr(each, "field_path", "") == "created_at"]
    label, asked = spec.links[1]
    assert str(label) == "Today"
    found = client.get(reverse("admin:classifier_prediction_changelist"), asked).context["cl"].result_list
    assert list(found) == [today]
    assert yesterday not in found
