"""The site, the command ``predict`` and the evaluation give the very same logits for the same bytes."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from classifier.models import ModelVersion
from classifier.services.intake import receive_upload
from classifier.services.upload import Upload
from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.evaluation.evaluate import LabelledImage, read_images
from ml.evaluation.observe import Observer
from ml.serve.predictor import Predictor
from skinsite.accounts.models import Membership
from tests.ml import pictures

LESION = pictures.draw_lesion(600, 450)


@pytest.mark.parametrize("kind", pictures.ACCEPTED)
def test_an_upload_gets_the_logits_of_the_evaluation(
    owner: Membership, active_model: ModelVersion, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "image.jpg"
    path.write_bytes(pictures.ACCEPTED[kind]())

    uploaded = receive_upload(actor=owner, upload=Upload(data=path.read_bytes())).prediction
    item = LabelledImage(image_id="image", label=0, path=path, lesion_id="")
    observer = Observer(Predictor(load_bundle(DEFAULT_BUNDLE)), progress=False)
    (evaluated,) = read_images(observer, [item], "uploaded")
    printed = StringIO()
    call_command("predict", str(path), "--json", stdout=printed)

    assert uploaded.logits is not None
    assert np.array_equal(np.array(uploaded.logits, np.float32), evaluated.logits)
    assert json.loads(printed.getvalue())[0]["logits"] == uploaded.logits
    assert uploaded.outcome == evaluated.outcome
    assert uploaded.malignant_probability == evaluated.malignant_probability


def test_a_turned_photograph_is_read_as_an_upright_one(owner: Membership, active_model: ModelVersion) -> None:
    """The eight orientations are one picture; only JPEG's rounding tells them apart."""
    logits = [
        receive_upload(actor=owner, upload=Upload(data=pictures.rotated_jpeg(orientation, LESION))).prediction.logits
        for orientation in range(1, 9)
    ]

    assert np.abs(np.array(logits) - np.array(logits[0])).max() < 0.5
    assert len({json.dumps(each) for each in logits}) > 1  # they are eight readings, not one repeated
