"""The domain: patients and their lesions, visits and examinations, photographs, readings of these, reviews."""

from classifier.models.examination import Examination
from classifier.models.filing import LesionMerge, PatientMerge, Task, TaskKind
from classifier.models.image import Contact, Declared, ImageCorrection, Immersion, LesionImage, Modality, Polarisation
from classifier.models.lesion import BodySite, Lesion, LesionAlias, LesionState
from classifier.models.lesion_reading import LesionReading, ReadingShown
from classifier.models.model_version import ModelStatus, ModelVersion
from classifier.models.overview import Mark, OverviewImage
from classifier.models.patient import Patient, Sex
from classifier.models.photograph import TakenPrecision, TakenSource
from classifier.models.practice import ClinicPractice
from classifier.models.prediction import Outcome, Prediction, Standing, Status
from classifier.models.review import Certainty, Diagnosis, Review, ReviewKind
from classifier.models.risk import RiskFactor, RiskKind, SkinType, YesNo
from classifier.models.visit import Indication, Purpose, Scope, Seen, Visit

__all__ = [
    "BodySite",
    "Certainty",
    "ClinicPractice",
    "Contact",
    "Declared",
    "Diagnosis",
    "Examination",
    "ImageCorrection",
    "Immersion",
    "Indication",
    "Lesion",
    "LesionAlias",
    "LesionImage",
    "LesionMerge",
    "LesionReading",
    "LesionState",
    "Mark",
    "Modality",
    "ModelStatus",
    "ModelVersion",
    "Outcome",
    "OverviewImage",
    "Patient",
    "PatientMerge",
    "Polarisation",
    "Prediction",
    "Purpose",
    "ReadingShown",
    "Review",
    "ReviewKind",
    "RiskFactor",
    "RiskKind",
    "Scope",
    "Seen",
    "Sex",
    "SkinType",
    "Standing",
    "Status",
    "TakenPrecision",
    "TakenSource",
    "Task",
    "TaskKind",
    "Visit",
    "YesNo",
]
