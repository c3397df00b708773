"""Fusion of a backbone's pooled features with the patient's age, sex and site."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from ml.data.metadata import WIDTHS
from ml.networks.backbone import CLASSIFIER_STD
from ml.taxonomy import CLASSES

HIDDEN = 64


class MetadataFusion(nn.Module):
    """Late fusion (after Gessert et al., ISIC 2019): one classifier over image features and a small metadata network.

    In training each field of an image is dropped with probability ``dropout``, so that missing fields are learnt.
    """

    def __init__(self, backbone: nn.Module, names: Sequence[str], dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.pretrained_cfg = backbone.pretrained_cfg
        self.widths = [WIDTHS[name] for name in names]
        self.dropout = dropout
        self.metadata = nn.Sequential(
            nn.Linear(sum(self.widths), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        )
        features = cast("int", cast("Any", backbone).head_hidden_size)
        self.classifier = nn.Linear(features + HIDDEN, len(CLASSES))
        nn.init.normal_(self.classifier.weight, std=CLASSIFIER_STD)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Tensor, metadata: Tensor) -> Tensor:
        """Logits (N, 7) from images (N, 3, S, S) and metadata (N, total width)."""
        backbone: Any = self.backbone
        features = backbone.forward_head(backbone.forward_features(images), pre_logits=True)
        if self.training:
            metadata = metadata * self._draw_kept(metadata)
        return cast("Tensor", self.classifier(torch.cat((features, self.metadata(metadata)), dim=1)))

    def _draw_kept(self, metadata: Tensor) -> Tensor:
        kept = torch.rand(len(metadata), len(self.widths), device=metadata.device) >= self.dropout
        widths = torch.tensor(self.widths, device=metadata.device)
        return kept.repeat_interleave(widths, dim=1).to(metadata.dtype)
