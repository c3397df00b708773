"""The shipped bundle, opened once."""

import pytest

from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, load_bundle
from ml.serve.predictor import Predictor


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The bundle that the project ships."""
    return load_bundle(DEFAULT_BUNDLE)


@pytest.fixture(scope="session")
def predictor(bundle: Bundle) -> Predictor:
    """It, on ONNX Runtime."""
    return Predictor(bundle, "onnx")
