"""Rebuild the shipped bundle from its weights and the data: ``python -m ml build --help``."""

import argparse
from dataclasses import replace

from torch import nn

from ml.build.assemble import Origin, build_bundle, describe_sampled_prior
from ml.build.remeasure import credit_and_measure, read_others, tell
from ml.bundle.draft import build_beside
from ml.errors import UserError
from ml.evaluation.observe import Observer
from ml.networks.backbone import create_backbone, load_weights
from ml.networks.segmentation import load_decoder
from ml.serve.predictor import Predictor
from ml.training.checkpoint import describe_input

TRAINING = (
    "EfficientNet-Lite0 distilled at 288 px on ISIC 2018 Task 3 from three teachers (EfficientNet-Lite2, Lite2 and "
    "Lite1, themselves started from ImageNet weights); neither it nor they saw the images of fold 4 and of the test "
    "fold, nor their near-duplicates. Read at 320 px in two central views, whose scores are averaged."
)
ARCHITECTURE = "tf_efficientnet_lite0"


def describe_shipped(model: nn.Module) -> Origin:
    """Origin of the shipped bundle's network for its manifest."""
    return Origin(
        name="lite0-isic2018-distilled",
        version="1.4",
        architecture=ARCHITECTURE,
        input=describe_input(model, 320, (0.9, 0.7)),
        training_prior=describe_sampled_prior((0.158, 0.387, 0.107, 0.085, 0.157, 0.051, 0.055)),
        training=TRAINING,
    )


def main(options: argparse.Namespace) -> int:
    """Build and measure the bundle, and replace the shipped one."""
    others = read_others(options)
    model = create_backbone(ARCHITECTURE)
    if not load_weights(model, options.weights):
        raise UserError(f"{options.weights}: has no classifier of seven classes; give the trained weights.")
    decoder = None if options.decoder is None else load_decoder(model, options.decoder)
    with build_beside(options.out) as draft:
        bundle = build_bundle(
            model,
            draft,
            describe_shipped(model),
            options.data,
            calibration_fold=options.fold,
            others=others,
            decoder=decoder,
            with_cases=True,
            kept=options.keep,
        )
        bundle = credit_and_measure(bundle, Observer(Predictor(bundle, "onnx"), kept=options.keep), options, others)
    tell(replace(bundle, path=options.out), options.data)
    return 0
