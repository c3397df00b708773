"""What can never become a bundle says so from its files alone, before torch is loaded and the data are opened."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ml import training
from ml.errors import UserError
from ml.training.servable import check_checkpoint, check_configuration, check_is_no_run

CONFIGS = Path(training.__file__).parents[1] / "configs"
NETWORK = (CONFIGS / "scratch_resnet18.yaml").read_text(encoding="utf-8")
WITH_METADATA = NETWORK + "metadata: [age]\naugmentation: {mix_probability: 0}\n"
SVM = (CONFIGS / "svm_handcrafted.yaml").read_text(encoding="utf-8")


def make_run(folder: Path, config: str) -> Path:
    """A run folder with a checkpoint and a classifier; gives the checkpoint."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    (folder / "classifier.joblib").touch()
    (folder / "checkpoints" / "best.ckpt").touch()
    return folder / "checkpoints" / "best.ckpt"


@pytest.mark.parametrize("name", ["svm_handcrafted", "svm_deep", "probe_knn_lite0", "probe_logistic_lite0"])
def test_what_is_trained_for_its_figures_alone_says_so(name: str) -> None:
    told = check_configuration(CONFIGS / f"{name}.yaml", export=True)
    assert told is not None
    assert "cannot be served; it is trained for its figures, without a bundle" in told


def test_a_network_is_trained_without_a_word() -> None:
    assert check_configuration(None, export=True) is None
    assert check_configuration(CONFIGS / "scratch_resnet18.yaml", export=True) is None


def test_a_network_that_reads_metadata_is_refused_unless_there_is_to_be_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(WITH_METADATA, encoding="utf-8")
    assert check_configuration(path, export=False) is None
    with pytest.raises(UserError, match="metadata: a network that reads metadata cannot be served"):
        check_configuration(path, export=True)


def test_the_command_refuses_before_it_loads_torch_or_opens_the_data(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(WITH_METADATA, encoding="utf-8")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from ml.__main__ import main\n"
        "sys.exit(main(['train', '--data', 'nowhere', '--config', sys.argv[1]]))"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "a network that reads metadata cannot be served" in result.stderr


@pytest.mark.parametrize(("config", "told"), [(SVM, "a support vector machine cannot be"), (WITH_METADATA, "metadata")])
@pytest.mark.parametrize("check", [check_checkpoint, check_is_no_run])
def test_a_run_that_cannot_be_served_is_named_whichever_of_its_files_is_given(
    tmp_path: Path, config: str, told: str, check: Callable[[Path], None]
) -> None:
    checkpoint = make_run(tmp_path / "run", config)
    for path in (checkpoint, tmp_path / "run" / "classifier.joblib"):
        with pytest.raises(UserError, match=told):
            check(path)


def test_a_run_folder_is_no_bundle_and_the_remedy_is_told(tmp_path: Path) -> None:
    checkpoint = make_run(tmp_path / "run", NETWORK)
    check_checkpoint(checkpoint)
    with pytest.raises(UserError, match=r"make one by export_model .*best\.ckpt --out PATH"):
        check_is_no_run(tmp_path / "run")
    (tmp_path / "run" / "bundle").mkdir()
    (tmp_path / "run" / "bundle" / "manifest.json").touch()
    with pytest.raises(UserError, match=r"give its bundle, .*run/bundle"):
        check_is_no_run(tmp_path / "run")
    check_is_no_run(tmp_path / "run" / "bundle")
    check_is_no_run(tmp_path)
