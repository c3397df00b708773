"""Every stored photograph compared with its hash."""

import hashlib
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command

from classifier.health import check_altered
from classifier.models import LesionImage
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from skinsite.storage.private import private_storage
from tests import factories


@pytest.fixture
def photographs(owner: Membership, store: object) -> list[LesionImage]:
    """Three photographs of a clinic, stored as they were kept."""
    found = []
    for number in range(3):
        data = f"photograph {number}".encode()
        image = factories.LesionImageFactory.create(
            lesion__patient__clinic=owner.clinic,
            stored_name=f"images/kept-{number}.jpg",
            stored_sha256=hashlib.sha256(data).hexdigest(),
        )
        private_storage().save(image.stored_name, ContentFile(data))
        found.append(image)
    return found


def run_doctor() -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:  # no model is active: something is wrong in any case
        call_command("doctor", "--photographs", stdout=out)
    return int(str(stopped.value.code)), out.getvalue()


def test_doctor_compares_every_photograph_and_names_those_that_are_altered_or_gone(
    photographs: list[LesionImage], owner: Membership
) -> None:
    code, told = run_doctor()
    assert "3 photographs compared" in told
    assert "altered:" not in told
    assert check_altered().ok
    private_storage().save(photographs[0].stored_name, ContentFile(b"another"))
    private_storage().delete(photographs[1].stored_name)

    code, told = run_doctor()

    assert code == 1
    assert f"altered: {photographs[0].public_id}" in told
    assert f"gone: {photographs[1].public_id}" in told
    assert str(photographs[2].public_id) not in told
    event = AuditEvent.objects.get(action="image.found_altered")
    assert (event.actor, event.clinic, event.object_id) == (None, owner.clinic, str(photographs[0].public_id))
    told_later = check_altered()
    assert not told_later.ok
    assert str(photographs[0].public_id) in told_later.detail
