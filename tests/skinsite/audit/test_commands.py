"""Commands on the server that touch people or records leave a trace."""

import pytest

from skinsite.audit.commands import RECORDED, record_command
from skinsite.audit.models import AuditEvent


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_command_that_touches_people_or_records_is_on_the_trail_without_its_arguments(name: str, db: None) -> None:
    record_command(["manage.py", name, "root@site.example"])
    event = AuditEvent.objects.get(action="command.begun")
    assert event.details["command"] == name
    assert "root@site.example" not in str(event.details)
    assert (event.actor, event.clinic) == (None, None)


@pytest.mark.parametrize("arguments", [[], ["migrate"], ["doctor"], ["createsuperuser", "--help"]])
def test_others_and_mere_help_are_not(arguments: list[str], db: None) -> None:
    record_command(["manage.py", *arguments])
    assert not AuditEvent.objects.exists()
