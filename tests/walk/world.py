"""Two patients of one clinic, marked in everything that could be shown of them, and everybody who may ask."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from classifier.models import (
    Certainty,
    Diagnosis,
    ImageCorrection,
    Lesion,
    LesionImage,
    LesionReading,
    ModelVersion,
    Patient,
    Prediction,
    Review,
    Status,
    Task,
    TaskKind,
)
from classifier.models.image import CorrectionKind
from classifier.presentation.heat_map import paint
from skinsite.accounts.acting import CLINIC_KEY
from skinsite.accounts.models import CAPABILITIES, Capability, EmergencyAccess, Membership, Role, User
from skinsite.accounts.services.emergencies import grant_emergency_access
from skinsite.storage.private import private_storage
from tests import factories
from tests.classifier.api.conftest import create_token

Needles = dict[bytes, str]
"""What an answer may hold of a patient, and that patient's public id."""


Person = Membership | EmergencyAccess | User
EMERGENCY = "in an emergency"


@dataclass
class Marked:
    """A patient with a lesion, a photograph, its reading, the lesion's, an opinion; ``word`` stands in all texts."""

    word: str
    patient: Patient
    lesion: Lesion
    image: LesionImage
    reading: Prediction
    of_lesion: LesionReading
    review: Review
    sent: bytes
    pictures: list[bytes]

    def needles(self) -> Needles:
        """Every text, identifier and picture of the patient's."""
        looks = (self.image.examination.visit, self.image.examination, self.of_lesion)
        records = (self.patient, self.lesion, self.image, self.reading, self.review, *looks)
        texts = [f"{kind}-{self.word}" for kind in ("CODE", "LABEL", "FILE", "COMMENT", "REASON")]
        found = [*texts, *(str(record.public_id) for record in records)]
        return dict.fromkeys([*(each.encode() for each in found), *self.pictures], str(self.patient.public_id))


@dataclass
class World:
    """Everything that the walk asks about, and everybody who asks."""

    p: Marked
    q: Marked
    failed: Prediction
    waiting: Prediction
    task: Task
    version: ModelVersion
    people: dict[str, Person | None]
    token: str
    needles: Needles = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    def client(self, role: str) -> Client:
        """A browser, or a program, of somebody; signed in once, and without what an earlier answer told it."""
        if role == "program":
            program = APIClient(raise_request_exception=False)
            program.credentials(HTTP_AUTHORIZATION=f"Token {self.token}")
            return program
        who, browser = self.people[role], Client(raise_request_exception=False)
        if who is not None:
            browser.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[role]
        if isinstance(who, (Membership, EmergencyAccess)):
            browser.defaults["HTTP_X_MADE_FOR"] = str(who.clinic.public_id)
        return browser


def _draw(seed: int, size: tuple[int, int], kind: str) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (*reversed(size), 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def _mark(word: str, owner: Membership, version: ModelVersion, *, code: str) -> Marked:
    number = sum(word.encode())
    data, small = _draw(number, (300, 300), "JPEG"), _draw(number + 1, (32, 32), "JPEG")
    patient = factories.PatientFactory.create(clinic=owner.clinic, code=code, created_by=owner.user)
    lesion = factories.LesionFactory.create(patient=patient, label=f"LABEL-{word}")
    image = factories.LesionImageFactory.create(
        lesion=lesion,
        original_name=f"FILE-{word}",
        upload_sha256=factories.sha256_of_bytes(data),
        stored_sha256=factories.sha256_of_bytes(data),
        stored_bytes=len(data),
        uploaded_by=owner.user,
    )
    LesionImage.objects.filter(pk=image.pk).update(stored_name=f"images/{image.public_id}.jpg")
    image.refresh_from_db()
    reading = factories.DonePredictionFactory.create(image=image, model_version=version, requested_by=owner.user)
    of_lesion = factories.LesionReadingFactory.create(predictions=[reading])
    heat_map = paint(np.random.default_rng(number).random((8, 8)))
    for name, content in (
        (image.stored_name, data),
        (image.thumbnail_name, small),
        (reading.heat_map_name, heat_map),
    ):
        private_storage().save(name, ContentFile(content))
    review = factories.ReviewFactory.create(
        prediction=reading,
        reviewer=owner.user,
        diagnosis=Diagnosis.NV,
        certainty=Certainty.HIGH,
        comment=f"COMMENT-{word}",
    )
    return Marked(word, patient, lesion, image, reading, of_lesion, review, data, [data, small, heat_map])


def build(owner: Membership) -> World:
    """The world, around the clinician of a clinic; in files of the test's own storage."""
    version = factories.ModelVersionFactory.create(manifest={"classes": []})
    # The codes look alike: an o, and a nought.
    p = _mark("OXPECKER", owner, version, code="CODE-OXPECKER")
    q = _mark("0XPECKER", owner, version, code="CODE-0XPECKER")
    moved = {"kind": CorrectionKind.MOVED, "before": str(q.lesion.public_id), "after": str(p.lesion.public_id)}
    ImageCorrection.objects.create(image=p.image, reason="REASON-OXPECKER", made_by=owner.user, **moved)
    failed = factories.PredictionFactory.create(image=_photograph_beside(p), status=Status.QUEUED)
    Prediction.objects.filter(pk=failed.pk).update(
        status=Status.FAILED, failure="model_unavailable", finished_at=failed.created_at
    )
    waiting = factories.PredictionFactory.create(image=_photograph_beside(p))
    task = Task.objects.create(
        kind=TaskKind.TELL_OF_WRONG_FILING, patient=p.patient, lesion=p.lesion, person=owner.user, because="of the walk"
    )
    world = World(p, q, failed, waiting, task, version, _people(owner), create_token(owner))
    world.needles = p.needles() | q.needles()
    for extra in (failed, waiting):
        world.needles[str(extra.public_id).encode()] = str(p.patient.public_id)
        world.needles[str(extra.image.public_id).encode()] = str(p.patient.public_id)
    world.sessions = {role: _sign_in(who) for role, who in world.people.items() if who is not None}
    return world


def _sign_in(who: Person) -> str:
    browser = Client()
    browser.force_login(who if isinstance(who, User) else who.user)
    if isinstance(who, EmergencyAccess):  # is chosen, and never taken by itself
        session = browser.session
        session[CLINIC_KEY] = who.clinic_id
        session.save()
    browser.get("/session/")  # the first request of a session writes to it
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def _photograph_beside(marked: Marked) -> LesionImage:
    return factories.LesionImageFactory.create(lesion=marked.lesion)


def _people(owner: Membership) -> dict[str, Person | None]:
    people: dict[str, Any] = {
        str(role): factories.MembershipFactory.create(clinic=owner.clinic, role=role)
        for role in Role
        if role != owner.role
    }
    people[owner.role] = owner
    outside = factories.UserFactory.create()
    people[EMERGENCY] = grant_emergency_access(
        actor=None, clinic=owner.clinic, email=outside.email, hours=1, reason="for the walk"
    )
    people["stranger"] = factories.MembershipFactory.create(role=Role.ADMINISTRATOR)
    people["superuser"] = User.objects.create_superuser("root@site.example", factories.PASSWORD)
    people["without a clinic"] = factories.UserFactory.create()
    people["nobody"] = None
    return people


def members() -> list[str]:
    """The roles of the clinic, who has access in an emergency, and a program of its clinician."""
    return [*map(str, Role), EMERGENCY, "program"]


OUTSIDERS = ("stranger", "superuser", "without a clinic", "nobody")


def sees_records(role: str) -> bool:
    """Whether a role may be shown anything of a patient outside of the trail."""
    return role in ("program", EMERGENCY) or Capability.READ_RECORDS in CAPABILITIES.get(role, ())
