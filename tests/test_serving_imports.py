"""What serves and evaluates imports nothing that only training installs, read from the requirement files."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
SERVING = (
    "skinsite",
    "classifier",
    "ml.support",
    "ml.bundle",
    "ml.serve",
    "ml.metrics",
    "ml.data",
    "ml.evaluation.evaluate",
)
# These open an optional library where they are asked to, and say what to install where it is missing.
LAZY = ("ml.serve.runtime.torchscript",)
# Who prepares or splits a data set, or fits on pictures, has what trains.
PREPARING = ("ml.data.artefacts", "ml.data.duplicates.keypoints", "ml.data.make_split")


def read_names(path: Path) -> set[str]:
    """The distributions of a compiled requirement file, in their normal form."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {normalise(line.split("==")[0]) for line in lines if "==" in line and not line.startswith((" ", "#"))}


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.split("[", maxsplit=1)[0]).lower()


def only_for_training() -> set[str]:
    """Top-level modules of what ``ml.txt`` has and ``base.txt`` lacks."""
    more = read_names(REQUIREMENTS / "ml.txt") - read_names(REQUIREMENTS / "base.txt")
    shared = read_names(REQUIREMENTS / "base.txt")
    return {
        module
        for module, owners in packages_distributions().items()
        if {normalise(owner) for owner in owners} & more and not {normalise(owner) for owner in owners} & shared
    }


def test_the_forbidden_modules_are_those_of_training() -> None:
    assert {"torch", "scipy", "cv2", "sklearn", "onnx", "pandas", "matplotlib"} <= only_for_training()
    assert not {"numpy", "PIL", "onnxruntime", "django", "celery"} & only_for_training()


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("skinsite", "classifier", "ml", include_external_packages=True)


@pytest.mark.parametrize("source", SERVING)
def test_serving_reaches_no_library_of_training(graph: grimp.ImportGraph, source: str) -> None:
    sources = {source, *graph.find_descendants(source)}
    reached = set().union(*(graph.find_upstream_modules(each) | {each} for each in sources)) - {*LAZY, *PREPARING}
    forbidden = only_for_training()
    found = sorted(
        f"{module} imports {imported}"
        for module in reached
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.split(".")[0] in forbidden
    )
    assert found == []
