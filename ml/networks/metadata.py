"""A backbone whose pooled features are joined by the patient's age, sex and site."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from ml.data.metadata import WIDTHS
from ml.networks.backbone import CLASSIFIER_STD
from ml.taxonomy import CLASSES

HIDDEN = 64


class MetadataFusion(nn.Module):
    """Late fusion (after Gessert et al., ISIC 2019): features and a small network over the metadata under one
    classifier. While training each field of an image is left out with ``dropout``, so that its absence is known."""

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
        """Images (N, 3, S, S) and metadata (N, total width) to logits (N, 7)."""
        backbone: Any = self.backbone
        features = backbone.forward_head(backbone.forward_features(images), pre_logits=True)
        if self.training:
            metadata = metadata * self._draw_kept(metadata)
        return cast("Tensor", self.classifier(torch.cat((features, self.metadata(metadata)), dim=1)))

    def _draw_kept(self, metadata: Tensor) -> Tensor:
        kept = torch.rand(len(metadata), len(self.widths), device=metadata.device) >= self.dropout
        widths = torch.tensor(self.widths, device=metadata.device)
        return kept.repeat_interleave(widths, dim=1).to(metadata.dtype)
