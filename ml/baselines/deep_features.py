"""Deep features: the pooled embedding of a frozen network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ml.baselines.features import FloatArray, Picture
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import InputSpec, ViewSpec
from ml.errors import UserError
from ml.networks.backbone import create_backbone, get_classifier, load_weights, to_channels_last
from ml.serve.preprocess import MAX_ASPECT, views

DEEP_VERSION = 1


class DeepFeatures:
    """The pooled embedding of a timm network, averaged over central ``fractions``, at ``size`` px, in fp32.

    Raises ``UserError`` for ``weights`` trained on lesions: they have seen folds 0 to 3, so fold 3 could not choose.
    """

    batch_size = 16

    def __init__(self, architecture: str, weights: Path, *, size: int, fractions: tuple[float, ...]) -> None:
        self.network = create_backbone(architecture)
        if load_weights(self.network, weights):
            raise UserError(
                f"{weights}: has a classifier of lesions, so it has seen the images that choose here;"
                " give weights of ImageNet"
            )
        self.length = get_classifier(self.network).in_features
        self.parameters = sum(parameter.numel() for parameter in self.network.parameters()) - self._classifier_size()
        self.network.reset_classifier(0)  # type: ignore[operator] # timm's
        to_channels_last(self.network).eval()
        normalisation = self.network.pretrained_cfg
        self.spec = InputSpec(
            size=size,
            views=tuple(ViewSpec(f"central {100 * fraction:.0f} %", fraction) for fraction in fractions),
            max_aspect_ratio=MAX_ASPECT,
            interpolation="bicubic",
            mean=tuple(normalisation["mean"]),  # type: ignore[index] # timm adds it
            std=tuple(normalisation["std"]),  # type: ignore[index]
            layout="NHWC",
        )
        self.identity = f"deep {DEEP_VERSION} {architecture} {size} {fractions} {hash_file(weights)}"

    def describe(self, pictures: Sequence[Picture]) -> FloatArray:
        pixels = torch.from_numpy(np.concatenate([views(picture.pixels, self.spec) for picture in pictures]))
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.spec.mean, self.spec.std))
        with torch.inference_mode():
            embeddings = self.network((pixels.permute(0, 3, 1, 2) / 255 - mean) / std)
        return np.asarray(embeddings.unflatten(0, (len(pictures), -1)).mean(dim=1).numpy())

    def count_operations(self) -> int:
        """FLOPs of one image, all views: twice the multiply-adds."""
        views_of_one = torch.zeros(len(self.spec.views), 3, self.spec.size, self.spec.size)
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            self.network(views_of_one)
        return int(counter.get_total_flops())

    def _classifier_size(self) -> int:
        classifier: nn.Linear = get_classifier(self.network)
        return classifier.weight.numel() + classifier.bias.numel()
