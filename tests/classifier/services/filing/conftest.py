"""Lesions of one patient, photographed at visits, with what a model has said of them."""

from collections.abc import Sequence

import pytest

from classifier import models
from classifier.models import Examination, Lesion, LesionImage, Patient, Visit
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.services.readings.test_lesion import concluded, read_as

LOW = (0.01, 0.93, 0.01, 0.01, 0.02, 0.01, 0.01)
HIGH = (0.80, 0.10, 0.02, 0.02, 0.02, 0.02, 0.02)


@pytest.fixture
def patient(owner: Membership) -> Patient:
    """One of the owner's clinic."""
    return create_patient(actor=owner, code="2024-7")


def add_lesion(owner: Membership, patient: Patient) -> Lesion:
    """A lesion of the patient, with the next number."""
    return create_lesion(actor=owner, patient=patient, body_site="back", side="left")


def photograph_at(
    visit: Visit, lesion: Lesion, outcome: str = "low_risk", probabilities: Sequence[float] = LOW
) -> LesionImage:
    """A photograph of the lesion at the visit that a model has read so; the lesion's reading is made of it."""
    examination = Examination.objects.filter(visit=visit, lesion=lesion).first()
    examination = examination or factories.ExaminationFactory.create(visit=visit, lesion=lesion)
    model = models.ModelVersion.objects.first() or factories.ModelVersionFactory.create()
    image: LesionImage = read_as(examination, model, outcome, probabilities).image
    concluded(examination)
    return image
