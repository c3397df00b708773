"""The demonstration clinic's cases: sample photographs read by the active model, some already reviewed."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.models import Patient, Prediction, Review, Status
from classifier.services.intake import receive_upload
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient
from classifier.services.reviews import add_review
from classifier.services.upload import Upload
from skinsite.accounts.demonstration import DemoAccount, open_demo_clinic
from skinsite.accounts.models import Membership, Role

SAMPLES = Path(__file__).parent.parent / "samples"

Progress = Callable[[list["Sample"]], Iterable["Sample"]]


@dataclass(frozen=True, slots=True)
class Sample:
    """A photograph of the test fold; see samples/ATTRIBUTION.md."""

    code: str
    image: str
    sex: str
    body_site: str

    @property
    def path(self) -> Path:
        """Where its bytes lie."""
        return SAMPLES / "photographs" / f"{self.image}.jpg"


def read_samples() -> list[Sample]:
    """The sample photographs, under the patient codes that they get."""
    with (SAMPLES / "samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Sample(code=f"DEMO-{number:02}", image=row["image"], sex=row["sex"], body_site=row["body_site"])
        for number, row in enumerate(rows, start=1)
    ]


def create_demonstration(*, progress: Progress = list) -> list[DemoAccount]:
    """Make what is missing of the demonstration clinic, its cases and its reviews; give its accounts.

    Running it again changes nothing. ``progress`` wraps the samples that are still to be read. Raises
    ``PermissionDenied`` where the settings refuse demonstration accounts.
    """
    accounts = open_demo_clinic()
    clinician, reviewer = accounts[Role.CLINICIAN].membership, accounts[Role.REVIEWER].membership
    known = set(Patient.objects.visible_to(clinician).values_list("code", flat=True))
    missing = [sample for sample in read_samples() if sample.code not in known]
    if missing:
        for sample in progress(missing):
            _add_case(clinician, sample)
    _add_reviews(reviewer)
    return list(accounts.values())


def _add_case(clinician: Membership, sample: Sample) -> None:
    patient = create_patient(actor=clinician, code=sample.code, sex=sample.sex)
    lesion = create_lesion(actor=clinician, patient=patient, body_site=sample.body_site)
    receive_upload(
        actor=clinician, upload=Upload(data=sample.path.read_bytes(), original_name=sample.path.name, lesion=lesion)
    )


def _add_reviews(reviewer: Membership) -> None:
    """Review the readings that the sample reviews are of, once they are finished and if nobody has."""
    with (SAMPLES / "reviews.csv").open(encoding="utf-8", newline="") as file:
        opinions: dict[str, dict[str, Any]] = {f"{row.pop('image')}.jpg": row for row in csv.DictReader(file)}
    if Review.objects.visible_to(reviewer).count() >= len(opinions):
        return
    waiting = Prediction.objects.visible_to(reviewer).filter(
        image__original_name__in=opinions, status=Status.DONE, reviews=None
    )
    for prediction in waiting.select_related("image"):
        add_review(actor=reviewer, prediction=prediction, **opinions[prediction.image.original_name])
