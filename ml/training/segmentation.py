"""Training of the lesion segmentation decoder on a frozen network.

Reads the masks of folds 0 to 3 (HAM10000_segmentations: Tschandl et al., Nat Med 2020) and the network's weights;
writes the decoder's weights, about 50 kB, for ``python -m ml build --decoder``.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ml.data.isic import Record, read_isic
from ml.data.masks import find_mask, open_mask
from ml.data.pictures import read_pixels
from ml.data.split import read_split
from ml.networks.backbone import create_backbone, load_weights, to_channels_last
from ml.networks.segmentation import LesionDecoder, create_decoder, run_blocks, tap
from ml.support.disk import check_can_be_written, writing
from ml.training.losses import DivergedError

Pixels = npt.NDArray[np.float32]

ARCHITECTURE = "tf_efficientnet_lite0"
BATCH = 16
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-4
SMALLEST_CROP = 0.7
BRIGHTNESS, GAIN = 0.2, 0.08
STRIDE = 8
SEED = 2018


@dataclass(frozen=True, slots=True)
class DecoderSchedule:
    """Number of images, each used once while there are enough, input size (px) and precision.

    bf16 takes half the time on processors that support it and ten times as long on others.
    """

    images: int
    size: int
    bf16: bool = False


class CroppedLesions(Dataset[tuple[Tensor, Tensor]]):
    """Crops (3, S, S), −1 to 1, and the share of lesion (S/8, S/8) in each cell.

    Crops cover 70 to 100 % of both sides and are mirrored, turned, and changed in brightness and colour.
    """

    def __init__(self, records: Sequence[Record], masks: Sequence[Path], plan: DecoderSchedule) -> None:
        self._records, self._masks, self._plan = records, masks, plan

    def __len__(self) -> int:
        return self._plan.images

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng((SEED, index))
        record_index = index % len(self._records)
        picture = Image.fromarray(read_pixels(self._records[record_index].path))
        mask = open_mask(self._masks[record_index]).resize(picture.size, Image.Resampling.NEAREST)
        box = _draw_box(picture.size, random)
        size, coarse = self._plan.size, self._plan.size // STRIDE
        pixels = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, box=box), np.float32)
        share: Pixels = np.asarray(
            mask.resize((coarse, coarse), Image.Resampling.BOX, box=box), np.float32
        ) / np.float32(255)
        gains = random.uniform(1 - GAIN, 1 + GAIN, 3) * random.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS)
        altered: Pixels = (np.clip(pixels * gains, 0, 255) / 127.5 - 1).astype(np.float32)
        turns, mirrored = int(random.integers(4)), bool(random.integers(2))
        image, target = (_turn(altered, turns, mirrored=mirrored), _turn(share, turns, mirrored=mirrored))
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(target)


def train_decoder(
    backbone: nn.Module, data_dir: Path, plan: DecoderSchedule, *, progress: bool = True
) -> LesionDecoder:
    """Train a decoder on the frozen network; raises ``UserError`` for a missing mask."""
    records = choose_records(data_dir)
    masks = [find_mask(data_dir, record.image_id) for record in records]
    torch.manual_seed(SEED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = to_channels_last(backbone.eval().to(device))
    decoder = create_decoder(backbone).to(device)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = DataLoader(CroppedLesions(records, masks, plan), BATCH, drop_last=plan.images >= BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    bar = tqdm(batches, "masks", unit="batch", disable=not progress)
    for images, shares in bar:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=plan.bf16):
            features = tap(network, run_blocks(network, images.to(device, memory_format=torch.channels_last)))
        logits = decoder([feature.float().clone() for feature in features])
        loss = measure_loss(logits, shares.to(device))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch's
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.3f}")
        if not loss.isfinite():
            raise DivergedError("the loss is not finite; leave out --bf16, or give other weights")
    return decoder.cpu().eval()


def choose_records(data_dir: Path) -> list[Record]:
    """Records of the training folds without the excluded ones, in training order."""
    split = read_split()
    records = [record for record in read_isic(data_dir).records if split.is_trained_on(record.image_id)]
    return [records[index] for index in np.random.default_rng(SEED).permutation(len(records))]


def measure_loss(logits: Tensor, shares: Tensor) -> Tensor:
    """Loss of logits against shares, both (N, h, w): cross-entropy plus 1 − soft Dice.

    Soft Dice is that of each image (Milletari et al., "V-Net", 3DV 2016).
    """
    probabilities = logits.sigmoid()
    overlap = 2 * (probabilities * shares).sum((1, 2)) + 1
    dice = overlap / (probabilities.sum((1, 2)) + shares.sum((1, 2)) + 1)
    return functional.binary_cross_entropy_with_logits(logits, shares) + (1 - dice).mean()


def save_decoder(decoder: LesionDecoder, path: Path) -> None:
    """Write the decoder's weights as safetensors in fp16."""
    with writing(path):
        save_file({name: tensor.half().contiguous() for name, tensor in decoder.state_dict().items()}, path)


def _draw_box(size: tuple[int, int], random: np.random.Generator) -> tuple[float, float, float, float]:
    kept = random.uniform(SMALLEST_CROP, 1)
    left, top = (random.uniform(0, side * (1 - kept)) for side in size)
    return left, top, left + kept * size[0], top + kept * size[1]


def _turn(values: Pixels, turns: int, *, mirrored: bool) -> Pixels:
    turned = np.rot90(values, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def main(options: argparse.Namespace) -> int:
    """Train, and write the decoder's weights."""
    check_can_be_written(options.out, not_over=(options.weights,))
    plan = DecoderSchedule(options.images, options.size, options.bf16)
    backbone = create_backbone(ARCHITECTURE)
    load_weights(backbone, options.weights)
    save_decoder(train_decoder(backbone, options.data, plan), options.out)
    print(options.out)
    return 0
