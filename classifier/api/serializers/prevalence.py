"""Probabilities at the clinic's own share of malignant lesions, beside those that the model is calibrated to."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from classifier import inference
from classifier.api.serializers.models import ProbabilitiesSerializer, name_classes
from classifier.models import ClinicPractice, LesionReading, Prediction
from ml.errors import UserError
from ml.serve.prevalence import at_prevalence, find_prevalence, shift_sum
from ml.taxonomy import MALIGNANT_INDICES


class AtPrevalenceSerializer(serializers.Serializer[Any]):
    """A reading's probabilities at the clinic's own prevalence. The limits move along, so the outcome is the same."""

    malignant_share = serializers.FloatField(
        min_value=0, max_value=1, help_text=_("Share of malignant lesions, as the clinic says; 0.03 where it does not.")
    )
    probabilities = ProbabilitiesSerializer()
    malignant_probability = serializers.FloatField(min_value=0, max_value=1)
    low_risk_below = serializers.FloatField(
        min_value=0, max_value=1, help_text=_("The limits of the malignant sum at this share.")
    )
    suspicious_from = serializers.FloatField(min_value=0, max_value=1)


def write_at_prevalence(reading: Prediction | LesionReading, context: Mapping[str, Any]) -> dict[str, Any] | None:
    """The probabilities of a reading at the prevalence of the clinic that asks; None where none are given."""
    if not reading.shows_probabilities or reading.model_version is None or reading.probabilities is None:
        return None
    try:
        manifest = inference.manifest_of(reading.model_version.bundle_sha256)
    except UserError:  # of a schema that no longer loads
        return None
    practice: ClinicPractice = context["practice"]
    share, measured = float(practice.malignant_percent) / 100, find_prevalence(manifest)
    found = at_prevalence(reading.probabilities, share, manifest)
    limits = (reading.thresholds or {})["malignant"]
    return {
        "malignant_share": share,
        "probabilities": name_classes(reading.classes, found.tolist()),
        "malignant_probability": float(found[list(MALIGNANT_INDICES)].sum()),
        **{name: shift_sum(limits[name], share, measured) for name in ("low_risk_below", "suspicious_from")},
    }
