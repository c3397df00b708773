"""The decoder of lesion masks learns where the lesion is, and changes nothing of the network that it reads."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from ml.__main__ import main
from ml.data.masks import DIRECTORY
from ml.data.split import read_split
from ml.errors import UserError
from ml.networks.backbone import create_backbone
from ml.networks.segmentation import create_decoder, load_decoder, run_blocks, tap
from ml.training.segmentation import DecoderSchedule, choose_records, measure_loss, save_decoder, train_decoder
from tests.ml.tiny_isic import write_tiny_isic

SIZE = 64


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen pictures, each with a dark square that its mask shows."""
    directory = write_tiny_isic(tmp_path_factory.mktemp("lesions"), per_class={"0": 2, "4": 1})
    (directory / DIRECTORY).mkdir()
    random = np.random.default_rng(2)
    for path in sorted((directory / "ISIC2018_Task3_Training_Input").iterdir()):
        top, left = random.integers(20, 120, 2)
        mask = np.zeros((240, 320), np.uint8)
        mask[top : top + 90, left : left + 110] = 255
        pixels = np.full((240, 320, 3), 200, np.uint8)
        pixels[mask > 0] = 60
        Image.fromarray(pixels).save(path, quality=90)
        Image.fromarray(mask).save(directory / DIRECTORY / f"{path.stem}_segmentation.png")
    return directory


@pytest.fixture(scope="module")
def backbone() -> nn.Module:
    """Random weights, whose batch norms have seen something."""
    torch.manual_seed(0)
    network = create_backbone("tf_efficientnet_lite0").train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 3, SIZE, SIZE))
    return network.eval()


def test_the_decoder_is_small_and_gives_one_logit_for_eight_pixels(backbone: nn.Module) -> None:
    decoder = create_decoder(backbone)
    features = tap(backbone, run_blocks(backbone, torch.zeros(2, 3, SIZE, SIZE)))
    assert [each.shape[1:] for each in features] == [(40, 8, 8), (112, 4, 4), (320, 2, 2)]
    assert decoder(features).shape == (2, 8, 8)
    assert sum(parameter.numel() for parameter in decoder.parameters()) < 100_000


def test_the_loss_is_least_for_what_is_right() -> None:
    shares = torch.zeros(1, 8, 8)
    shares[:, 2:5, 2:5] = 1
    right = 20 * (shares - 0.5)
    assert float(measure_loss(right, shares)) < 0.01
    assert float(measure_loss(-right, shares)) > 5
    # Undecided everywhere: ln 2, and one less a Dice of (2 * 4.5 + 1) / (32 + 9 + 1).
    assert float(measure_loss(torch.zeros(1, 8, 8), shares)) == pytest.approx(np.log(2) + 1 - 10 / 42, abs=1e-5)


def test_training_finds_the_lesion_and_leaves_the_network_as_it_is(
    data: Path, backbone: nn.Module, tmp_path: Path
) -> None:
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    decoder = train_decoder(backbone, data, DecoderSchedule(images=16 * 30, size=SIZE), progress=False)
    assert all(torch.equal(tensor, before[name]) for name, tensor in backbone.state_dict().items())
    save_decoder(decoder, tmp_path / "decoder.safetensors")
    loaded = load_decoder(backbone, tmp_path / "decoder.safetensors")
    pixels = torch.full((1, 3, SIZE, SIZE), 200 / 127.5 - 1)
    pixels[..., 16:40, 16:40] = 60 / 127.5 - 1
    with torch.no_grad():
        logits = loaded(tap(backbone, run_blocks(backbone, pixels)))[0]
    assert float(logits[3:4, 3:4].mean()) > float(logits[6:, 6:].mean()) + 0.5


def test_only_the_training_folds_are_seen(data: Path) -> None:
    split = read_split().fold_of
    assert {split[record.image_id] for record in choose_records(data)} == {"0"}


def test_a_lacking_mask_or_file_is_named_in_one_line(
    data: Path, backbone: nn.Module, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "weights.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in backbone.state_dict().items()}, weights)
    bare = write_tiny_isic(tmp_path / "bare", per_class={"0": 1})
    arguments = ["--data", str(bare), "--weights", str(weights), "--out", str(tmp_path / "decoder.safetensors")]
    assert main(["train-decoder", *arguments]) == 2
    assert "no lesion mask" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"mask decoder; train it by python -m ml train-decoder"):
        load_decoder(backbone, weights)


def test_other_architectures_are_refused_by_name() -> None:
    with pytest.raises(UserError, match="only an EfficientNet"):
        create_decoder(create_backbone("resnet18"))
