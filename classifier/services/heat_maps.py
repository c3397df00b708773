"""The heat-map of a reading: computed when it is first asked for, and kept beside the photograph."""

import logging

from classifier import inference, storage
from classifier.models import Prediction
from classifier.presentation.heat_map import is_whole, paint

log = logging.getLogger(__name__)


def give_heat_map(*, prediction: Prediction) -> bytes:
    """Give the heat-map of a reading whose ``shows_heat_map`` is true, as PNG.

    What is kept is given if it is whole, and else computed of the stored bytes by the model that read them, and kept.
    Two who ask at once both compute the same. Raises ``NoUsableModelError``, ``ImageRejected`` and what
    ``read_stored`` does.
    """
    kept = storage.read_heat_map(prediction)
    if kept is not None and is_whole(kept):
        return kept
    assert prediction.model_version is not None  # noqa: S101 what shows a heat-map was read by one
    predictor = inference.predictor_for(prediction.model_version).predictor
    picture = paint(predictor.activation_map(storage.read_stored(prediction.image)))
    try:
        storage.keep_heat_map(prediction, picture)
    except storage.StorageUnavailableError as error:
        log.warning("A heat-map is not kept, and will be computed again: %s", error)
    return picture
