"""Objects for tests, made as the services leave them."""

import hashlib
import json
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from classifier import models
from ml.bundle.folder import DEFAULT_BUNDLE
from ml.bundle.manifest import MANIFEST_FILE
from ml.taxonomy import CLASSES
from skinsite.accounts.models import Clinic, Membership, Role, User
from skinsite.text import fold_line

PASSWORD = "correct horse battery staple"


def sha256_of(text: object) -> str:
    """A hash to stand where the real one's value does not matter."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def sha256_of_bytes(data: bytes) -> str:
    """The hash by which bytes are known."""
    return hashlib.sha256(data).hexdigest()


def shipped_manifest() -> dict[str, Any]:
    """The manifest of the bundle that ships."""
    manifest: dict[str, Any] = json.loads((DEFAULT_BUNDLE / MANIFEST_FILE).read_text())
    return manifest


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@clinic.example")
    name = factory.Sequence(lambda n: f"Person {n}")

    @factory.post_generation
    def password(self: User, create: bool, extracted: str | None, **_kwargs: Any) -> None:  # noqa: FBT001 the library's signature
        self.set_password(extracted or PASSWORD)
        if create:
            self.save()


class ClinicFactory(DjangoModelFactory[Clinic]):
    class Meta:
        model = Clinic

    name = factory.Sequence(lambda n: f"Clinic {n}")
    slug = factory.Sequence(lambda n: f"clinic-{n}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    clinic = factory.SubFactory(ClinicFactory)
    role = Role.CLINICIAN


class PatientFactory(DjangoModelFactory[models.Patient]):
    class Meta:
        model = models.Patient

    clinic = factory.SubFactory(ClinicFactory)
    code = factory.Sequence(lambda n: f"P-{n:05d}")
    code_key = factory.LazyAttribute(lambda patient: fold_line(patient.code))


class LesionFactory(DjangoModelFactory[models.Lesion]):
    class Meta:
        model = models.Lesion
        skip_postgeneration_save = True

    patient = factory.SubFactory(PatientFactory)
    number = factory.LazyAttribute(lambda lesion: lesion.patient.lesion_count_ever + 1)
    body_site = models.BodySite.BACK

    @factory.post_generation
    def counted(self: models.Lesion, create: bool, _extracted: object, **_kwargs: Any) -> None:  # noqa: FBT001 the library's signature
        if create:
            self.patient.lesion_count_ever = max(self.patient.lesion_count_ever, self.number)
            self.patient.save(update_fields=["lesion_count_ever"])


class VisitFactory(DjangoModelFactory[models.Visit]):
    class Meta:
        model = models.Visit

    patient = factory.SubFactory(PatientFactory)


class ExaminationFactory(DjangoModelFactory[models.Examination]):
    class Meta:
        model = models.Examination

    lesion = factory.SubFactory(LesionFactory)
    visit = factory.SubFactory(VisitFactory, patient=factory.SelfAttribute("..lesion.patient"))


class LesionImageFactory(DjangoModelFactory[models.LesionImage]):
    class Meta:
        model = models.LesionImage

    class Params:
        lesion = factory.SubFactory(LesionFactory)

    examination = factory.SubFactory(ExaminationFactory, lesion=factory.SelfAttribute("..lesion"))
    original_name = factory.Sequence(lambda n: f"photograph-{n}.jpg")
    upload_sha256 = factory.Sequence(lambda n: sha256_of(f"upload {n}"))
    stored_sha256 = factory.Sequence(lambda n: sha256_of(f"stored {n}"))
    stored_name = factory.Sequence(lambda n: f"images/{n}.jpg")
    stored_bytes = 100_000
    width = 600
    height = 450


class ModelVersionFactory(DjangoModelFactory[models.ModelVersion]):
    class Meta:
        model = models.ModelVersion

    name = "test network"
    version = factory.Sequence(lambda n: f"0.{n}")
    bundle_sha256 = factory.Sequence(lambda n: sha256_of(f"bundle {n}"))
    manifest = factory.LazyFunction(shipped_manifest)


PROBABILITIES = (0.30, 0.45, 0.03, 0.01, 0.15, 0.04, 0.02)


class PredictionFactory(DjangoModelFactory[models.Prediction]):
    """A queued reading; see `DonePredictionFactory` for a finished one."""

    class Meta:
        model = models.Prediction

    image = factory.SubFactory(LesionImageFactory)
    modality = models.Modality.DERMOSCOPIC
    stored_sha256 = factory.SelfAttribute("image.stored_sha256")


class DonePredictionFactory(PredictionFactory):
    """A finished reading: 34 % malignant, which its thresholds call suspicious."""

    class Meta:
        model = models.Prediction

    model_version = factory.SubFactory(ModelVersionFactory)
    bundle_sha256 = factory.SelfAttribute("model_version.bundle_sha256")
    status = models.Status.DONE
    outcome = models.Outcome.SUSPICIOUS
    reason = "above_suspicious_threshold"
    attempts = 1
    started_at = factory.LazyFunction(timezone.now)
    finished_at = factory.LazyFunction(timezone.now)
    classes = factory.LazyFunction(lambda: list(CLASSES))
    probabilities = factory.LazyFunction(lambda: list(PROBABILITIES))
    balanced_scores = factory.LazyFunction(lambda: list(PROBABILITIES))
    logits = factory.LazyFunction(lambda: [[0.0] * 7, [0.0] * 7])
    malignant_probability = 0.34
    thresholds = factory.LazyFunction(lambda: {"malignant": {"low_risk_below": 0.08, "suspicious_from": 0.3}})
    preprocessing_version = "1"
    runtime = "onnx"


class ReviewFactory(DjangoModelFactory[models.Review]):
    class Meta:
        model = models.Review

    prediction = factory.SubFactory(DonePredictionFactory)
    reviewer = factory.SubFactory(UserFactory)
    diagnosis = models.Diagnosis.NV
    certainty = models.Certainty.MEDIUM


class LesionReadingFactory(DjangoModelFactory[models.LesionReading]):
    """The reading in force of ``predictions`` of one examination, each pooled: of the first's numbers but for those
    given."""

    class Meta:
        model = models.LesionReading
        skip_postgeneration_save = True

    class Params:
        predictions = ()

    examination = factory.LazyAttribute(lambda made: made.predictions[0].image.examination)
    model_version = factory.LazyAttribute(lambda made: made.predictions[0].model_version)
    inputs = factory.LazyAttribute(
        lambda made: [
            {"prediction": str(each.public_id), "weight": 1 / len(made.predictions), "left_out": ""}
            for each in made.predictions
        ]
    )
    inputs_sha256 = factory.Sequence(lambda n: sha256_of(f"inputs {n}"))
    outcome = factory.LazyAttribute(lambda made: made.predictions[0].outcome)
    reason = factory.LazyAttribute(lambda made: made.predictions[0].reason)
    malignant_probability = factory.LazyAttribute(lambda made: made.predictions[0].malignant_probability)
    probabilities = factory.LazyAttribute(lambda made: made.predictions[0].probabilities)
    classes = factory.LazyAttribute(lambda made: made.predictions[0].classes)
    thresholds = factory.LazyAttribute(lambda made: made.predictions[0].thresholds)

    @factory.post_generation
    def in_force(self: models.LesionReading, create: bool, extracted: bool | None, **_kwargs: Any) -> None:  # noqa: FBT001 the library's signature
        if create and extracted is not False:
            models.Examination.objects.filter(pk=self.examination_id).update(reading=self)
