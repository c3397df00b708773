"""The domain: patients, their lesions, photographs of these, readings of the photographs, reviews of the readings."""

from classifier.models.image import Declared, ImageCorrection, LesionImage, Modality
from classifier.models.lesion import BodySite, Lesion
from classifier.models.model_version import ModelStatus, ModelVersion
from classifier.models.patient import Patient, Sex
from classifier.models.practice import ClinicPractice
from classifier.models.prediction import Outcome, Prediction, Standing, Status
from classifier.models.review import Certainty, Diagnosis, Review, ReviewKind

__all__ = [
    "BodySite",
    "Certainty",
    "ClinicPractice",
    "Declared",
    "Diagnosis",
    "ImageCorrection",
    "Lesion",
    "LesionImage",
    "Modality",
    "ModelStatus",
    "ModelVersion",
    "Outcome",
    "Patient",
    "Prediction",
    "Review",
    "ReviewKind",
    "Sex",
    "Standing",
    "Status",
]
