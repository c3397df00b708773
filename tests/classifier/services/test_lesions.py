"""Lesions are created and changed by members of their clinic, on record."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from classifier.anatomy.place import Place
from classifier.models import Lesion
from classifier.services.lesions import create_lesion, update_lesion
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests.factories import LesionFactory, PatientFactory


def test_a_lesion_is_created_and_changed_on_record(owner: Membership) -> None:
    patient = PatientFactory.create(clinic=owner.clinic)

    lesion = create_lesion(actor=owner, patient=patient, body_site="back", label=" left\nshoulder ")
    changed = update_lesion(actor=owner, lesion=lesion, place=Place("forearm_back", "left"), label="")

    assert (lesion.patient, lesion.body_site, lesion.label) == (patient, "back", "left shoulder")
    assert (changed.body_site, changed.side, changed.label) == ("upper_extremity", "left", "")
    assert AuditEvent.objects.filter(object_id=str(lesion.public_id)).count() == 2


@pytest.mark.parametrize(("field", "arguments"), [("body_site", {"body_site": "wing"}), ("label", {"label": "x" * 81})])
def test_a_lesions_invalid_field_is_named(owner: Membership, field: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        create_lesion(actor=owner, patient=PatientFactory.create(clinic=owner.clinic), **arguments)

    assert list(refusal.value.error_dict) == [field]
    assert not Lesion.objects.exists()


def test_a_lesion_renamed_is_found_by_its_new_label(owner: Membership) -> None:
    lesion = LesionFactory.create(patient__clinic=owner.clinic, label="old")

    update_lesion(actor=owner, lesion=lesion, place=None, label="Новая – й")

    assert Lesion.objects.filter(label_key="новая - й").exists()
