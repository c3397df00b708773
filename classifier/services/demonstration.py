"""The demonstration clinic's cases: sample photographs read by the active model, some already reviewed."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from classifier.models import Lesion, LesionImage, Prediction, Review, Status, Visit
from classifier.models.visit import Purpose
from classifier.services.intake import receive_upload
from classifier.services.lesions import create_lesion
from classifier.services.patients import create_patient, find_patient
from classifier.services.reviews import add_review
from classifier.services.upload import Upload
from classifier.services.visits import create_visit, update_examination
from skinsite.accounts.demonstration import DemoAccount, open_demo_clinic
from skinsite.accounts.models import Membership, Role

SAMPLES = Path(__file__).parent.parent / "samples"
DAYS_OF_A_MONTH = 365.25 / 12
FINDINGS = ("is_new", "has_changed", "bleeds")

Progress = Callable[[list["Sample"]], Iterable["Sample"]]


@dataclass(frozen=True, slots=True)
class Sample:
    """A photograph of the test fold; see samples/ATTRIBUTION.md for what of it is invented.

    ``label`` tells a lesion that is followed over time from the patient's others; of those ``months_ago`` is their
    visit, ``said`` what is said of that visit, and ``findings`` what is said of the lesion at it.
    """

    code: str
    image: str
    sex: str
    body_site: str
    side: str = ""
    age: int | None = None
    label: str = ""
    months_ago: int = 0
    said: dict[str, str] = field(default_factory=dict)
    findings: dict[str, bool] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where its bytes lie."""
        return SAMPLES / "photographs" / f"{self.image}.jpg"


def read_samples() -> list[Sample]:
    """The sample photographs, under the patient codes that they get, in the order in which they come in."""
    alone = [
        Sample(code=f"DEMO-{number:02}", image=row["image"], sex=row["sex"], body_site=row["body_site"])
        for number, row in enumerate(_read_rows("samples.csv"), start=1)
    ]
    visits = {(row.pop("code"), row.pop("months_ago")): row for row in _read_rows("visits.csv")}
    followed = [
        Sample(
            code=row["code"],
            image=row["image"],
            sex=row["sex"],
            body_site=row["body_site"],
            side=row["side"],
            age=int(row["age"]),
            label=row["lesion"],
            months_ago=int(row["months_ago"]),
            said=visits[row["code"], row["months_ago"]],
            findings={name: row[name] == "yes" for name in FINDINGS if row[name]},
        )
        for row in _read_rows("followed.csv")
    ]
    return alone + followed


def create_demonstration(*, progress: Progress = list) -> list[DemoAccount]:
    """Make what is missing of the demonstration clinic, its cases and its reviews; give its accounts.

    Running it again changes nothing. ``progress`` wraps the samples that are still to be read. Raises
    ``PermissionDenied`` where the settings refuse demonstration accounts.
    """
    accounts = open_demo_clinic()
    clinician, reviewer = accounts[Role.CLINICIAN].membership, accounts[Role.REVIEWER].membership
    known = set(LesionImage.objects.visible_to(clinician).values_list("original_name", flat=True))
    missing = [sample for sample in read_samples() if sample.path.name not in known]
    if missing:
        for sample in progress(missing):
            _add_photograph(clinician, sample)
    _add_reviews(reviewer)
    return list(accounts.values())


def _add_photograph(clinician: Membership, sample: Sample) -> None:
    """Add a photograph to what is there of its patient, lesion and visit, perhaps from a run that was broken off."""
    external_id = f"{sample.code}-{sample.months_ago}"
    visit = Visit.objects.visible_to(clinician).filter(external_id=external_id).select_related(
        "patient__clinic"
    ).first() or _add_visit(clinician, sample, external_id)
    lesion = Lesion.objects.filter(patient=visit.patient, label=sample.label, merged_into=None).first()
    lesion = lesion or create_lesion(
        actor=clinician, patient=visit.patient, body_site=sample.body_site, side=sample.side, label=sample.label
    )
    upload = Upload(
        data=sample.path.read_bytes(),
        original_name=sample.path.name,
        lesion=lesion,
        visit=visit,
        taken_on=visit.day if sample.label else None,
        attach_anyway=True,  # whoever tries the site may have sent the same file
    )
    examination = receive_upload(actor=clinician, upload=upload).prediction.image.examination
    if sample.findings:
        update_examination(actor=clinician, examination=examination, said=sample.findings)


def _add_visit(clinician: Membership, sample: Sample, external_id: str) -> Visit:
    """Add the sample's visit, on a day counted from now, and its patient unless there is one of that code."""
    today = timezone.localdate(timezone=clinician.clinic.zone)
    patient = find_patient(actor=clinician, code=sample.code) or create_patient(
        actor=clinician,
        code=sample.code,
        sex=sample.sex,
        birth_year=None if sample.age is None else today.year - sample.age,
    )
    said = {
        "day": today - timedelta(days=round(sample.months_ago * DAYS_OF_A_MONTH)),
        "purpose": Purpose.DEMONSTRATION,
        "external_id": external_id,
    }
    return create_visit(actor=clinician, patient=patient, said=said | sample.said)


def _add_reviews(reviewer: Membership) -> None:
    """Review the readings that the sample reviews are of, once they are finished and if nobody has."""
    opinions: dict[str, dict[str, Any]] = {f"{row.pop('image')}.jpg": row for row in _read_rows("reviews.csv")}
    if Review.objects.visible_to(reviewer).count() >= len(opinions):
        return
    waiting = Prediction.objects.visible_to(reviewer).filter(
        image__original_name__in=opinions, status=Status.DONE, reviews=None
    )
    for prediction in waiting.select_related("image"):
        add_review(actor=reviewer, prediction=prediction, **opinions[prediction.image.original_name])


def _read_rows(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
