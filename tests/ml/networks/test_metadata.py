"""A picture's features joined by the patient's age, sex and site."""

import torch

from ml.networks.backbone import create_backbone
from ml.networks.metadata import MetadataFusion

FIELDS = ("age", "sex")


def make(dropout: float) -> MetadataFusion:
    torch.manual_seed(1)
    return MetadataFusion(create_backbone("test_efficientnet"), FIELDS, dropout)


def test_metadata_change_what_is_said_of_a_picture() -> None:
    model = make(0.1).eval()
    image = torch.rand(1, 3, 64, 64)
    young, old = torch.tensor([[1, 0.2, 0, 0, 0]]), torch.tensor([[1, 0.9, 1, 0, 1]])
    assert not torch.equal(model(image, young), model(image, old))


def test_a_field_is_left_out_whole_while_training_and_never_after() -> None:
    model = make(1.0)
    image = torch.rand(2, 3, 64, 64)
    known, missing = torch.ones(2, 5), torch.zeros(2, 5)
    model.backbone.eval()
    torch.testing.assert_close(model(image, known), model(image, missing))
    model.eval()
    assert not torch.equal(model(image, known), model(image, missing))
