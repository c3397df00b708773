"""Running a reading again from what it was made of, to show that it can be repeated."""

import hashlib
from dataclasses import dataclass

import numpy as np

from classifier import inference, storage
from classifier.models import Prediction
from ml.errors import UserError


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How the repetition went: the greatest difference of a logit, and whether the tolerance allows it.

    ``runtime`` is that of the repetition; two runtimes, or two processors, differ in the last digits.
    """

    difference: float
    tolerance: float
    runtime: str

    @property
    def is_same(self) -> bool:
        """Whether the reading was reproduced (NaN is not)."""
        return self.difference <= self.tolerance


def reproduce(*, prediction: Prediction) -> Reproduction:
    """Read the stored photograph again with the bundle that made a reading, and compare logits. Writes nothing.

    Raises ``UserError`` when there is nothing to compare, or the photograph or the bundle is not what it was.
    """
    if prediction.logits is None or prediction.model_version is None:
        raise UserError(f"Reading {prediction.public_id} has no logits ({prediction.status}); choose one that was run.")
    try:
        data = storage.read_stored(prediction.image)
        loaded = inference.predictor_for(prediction.model_version)
    except FileNotFoundError as error:
        raise UserError(f"The photograph {prediction.image.stored_name} is not in the storage; restore it.") from error
    except (storage.StorageUnavailableError, inference.NoUsableModelError) as error:
        raise UserError(str(error)) from error
    if hashlib.sha256(data).hexdigest() != prediction.stored_sha256:
        raise UserError(f"The photograph {prediction.image.stored_name} is not the one that was read; restore it.")
    if loaded.predictor.bundle.sha256 != prediction.bundle_sha256:
        raise UserError(f"The bundle {prediction.bundle_sha256} that made this reading is not registered; restore it.")
    reading = loaded.predictor.read(data, declared=prediction.declared_codes)
    before = np.array(prediction.logits, np.float32)
    same_shape = before.shape == reading.logits.shape
    return Reproduction(
        difference=float(np.abs(before - reading.logits).max()) if same_shape else float("inf"),
        tolerance=loaded.predictor.bundle.manifest.self_test.tolerance,
        runtime=reading.runtime,
    )
