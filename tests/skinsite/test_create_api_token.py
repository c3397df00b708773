"""`manage.py create_api_token`: the key alone on the last line; errors in one line."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from skinsite.accounts.models import ApiToken, Membership
from skinsite.audit.models import AuditEvent
from tests import factories

ROOT = Path(__file__).parents[2]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("create_api_token", *arguments)
    return capsys.readouterr().out


def test_it_prints_a_working_key_alone_on_the_last_line(owner: Membership, capsys: pytest.CaptureFixture[str]) -> None:
    key = run(capsys, owner.user.email.upper()).splitlines()[-1]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    assert client.get("/api/v1/patients/").status_code == 200
    event = AuditEvent.objects.get(action="api_token.created")
    assert event.clinic == owner.clinic
    assert key not in str(event.details)


def test_it_lasts_ninety_days_unless_told_otherwise(owner: Membership, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, owner.user.email)
    run(capsys, owner.user.email, "--days", "7")
    left = [token.expiry - timezone.now() for token in ApiToken.objects.order_by("created")]
    assert [round(time / timedelta(days=1)) for time in left] == [90, 7]


def test_it_asks_for_the_clinic_of_several(owner: Membership, capsys: pytest.CaptureFixture[str]) -> None:
    second = factories.MembershipFactory.create(user=owner.user)
    with pytest.raises(CommandError, match="add --clinic with one of") as error:
        run(capsys, owner.user.email)
    assert error.value.returncode == 2
    assert {owner.clinic.slug, second.clinic.slug} <= set(str(error.value).strip(".").replace(",", "").split())
    run(capsys, owner.user.email, "--clinic", second.clinic.slug)
    assert ApiToken.objects.get().membership == second


@pytest.mark.parametrize("days", ["0", "-1", "366"])
def test_it_names_the_limits_of_the_lifetime(days: str, owner: Membership, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="1 to 365") as error:
        run(capsys, owner.user.email, f"--days={days}")
    assert error.value.returncode == 2


def test_it_makes_none_where_there_is_no_active_membership(
    owner: Membership, stranger: Membership, capsys: pytest.CaptureFixture[str]
) -> None:
    owner.is_active = False
    owner.save()
    for arguments in (
        [owner.user.email],
        [stranger.user.email, "--clinic", owner.clinic.slug],
        ["nobody@clinic.example"],
    ):
        with pytest.raises(CommandError, match="is no active member of") as error:
            run(capsys, *arguments)
        assert error.value.returncode == 2
    assert not ApiToken.objects.exists()


def test_an_error_is_one_line_and_exits_with_2(tmp_path: Path) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "skinsite.settings.testing"}
    environment["DATABASE_URL"] = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True, capture_output=True)
    done = subprocess.run(
        [*manage, "create_api_token", "nobody@clinic.example"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "nobody@clinic.example" in done.stderr
