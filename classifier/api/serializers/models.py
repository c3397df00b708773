"""What the API gives of models and of their probabilities."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from classifier.models import ModelVersion
from ml.taxonomy import CLASSES


class ModelSerializer(serializers.ModelSerializer[ModelVersion]):
    """The model that made a reading."""

    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = ModelVersion
        fields = ["name", "version", "id", "bundle_sha256"]
        read_only_fields = fields


# One number for each class, in the official order.
ProbabilitiesSerializer: type[serializers.Serializer[Any]] = type(
    "ProbabilitiesSerializer",
    (serializers.Serializer,),
    {
        "__doc__": "Calibrated probabilities by class; they sum to 1.",
        **{code: serializers.FloatField(min_value=0, max_value=1) for code in CLASSES},
    },
)


def name_classes(classes: Sequence[str] | None, probabilities: Sequence[float] | None) -> dict[str, float] | None:
    """Probabilities by class code; None where there are none."""
    if classes is None or probabilities is None:
        return None
    return dict(zip(classes, probabilities, strict=True))
