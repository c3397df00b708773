"""A real clinic is opened by a command, which hands over one invitation."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from skinsite.accounts.models import Clinic, Membership, Role
from skinsite.platform.address import note_address

STRONG = "a long enough pass phrase"


def create(*arguments: str) -> str:
    """Run the command; gives what it prints."""
    out = StringIO()
    call_command("create_clinic", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_link_on_the_last_line_makes_the_first_administrator_once() -> None:
    link = create(
        "Northern Skin Clinic", "--admin", "Head@Clinic.Example", "--site", "https://skin.example"
    ).splitlines()[-1]
    assert link.startswith("https://skin.example/invitations/")
    path = link.removeprefix("https://skin.example")
    client = Client()
    assert client.get(path).status_code == 200
    client.post(path, {"name": "H. Ead", "password": STRONG, "password_again": STRONG})
    membership = Membership.objects.get()
    assert (membership.clinic.slug, membership.role) == ("northern-skin-clinic", Role.ADMINISTRATOR)
    assert membership.user.email == "head@clinic.example"
    assert not membership.clinic.is_demo
    signed_in = Client().post("/login/", {"login": "head@clinic.example", "password": STRONG})
    assert signed_in.status_code == 302
    assert Client().get(path).status_code == 404


@pytest.mark.django_db
def test_the_link_leads_to_where_the_site_was_started(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    note_address("http://127.0.0.1:8123")
    link = create("Skin", "--admin", "head@clinic.example").splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8123/invitations/")


@pytest.mark.django_db
def test_clinics_get_short_names_of_their_own() -> None:
    for name in ("Skin", "Skin!", "Клиника", "Больница"):
        create(name, "--admin", "head@clinic.example")
    assert set(Clinic.objects.values_list("slug", flat=True)) == {"skin", "skin-2", "clinic", "clinic-2"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("Skin", "--admin", "nonsense"), "--admin: Enter a valid email address"),
        (("   ", "--admin", "head@clinic.example"), "name: This field cannot be blank"),
        (("Known", "--admin", "head@clinic.example"), "name: There is a clinic of this name already"),
    ],
)
def test_bad_input_is_told_in_one_line_and_nothing_is_kept(arguments: tuple[str, ...], told: str) -> None:
    Clinic.objects.create(name="Known", slug="known")
    with pytest.raises(CommandError) as refused:
        create(*arguments)
    assert refused.value.returncode == 2
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list(Clinic.objects.values_list("slug", flat=True)) == ["known"]


@pytest.mark.django_db
@pytest.mark.parametrize("again", ["Клиника Кожи", "клиника\u00a0кожи", "Клиника кожи\u200b"])
def test_a_name_is_one_in_every_case_and_encoding(again: str) -> None:
    create("Клиника кожи", "--admin", "a@clinic.example")
    with pytest.raises(CommandError, match="There is a clinic of this name already"):
        create(again, "--admin", "b@clinic.example")
    assert Clinic.objects.count() == 1
