"""Build the shipped bundle anew from its weights and the data: ``python -m ml.ship --data DIR --weights FILE``.

Exports, measures the quality limits on folds 0 to 3, fits temperature and operating points on fold 4, measures fold 4.
``--report-test`` then reads the test fold, once, and writes its figures into the manifest. Ends with the model card.
"""

import argparse
import sys
from pathlib import Path

from ml.build import Origin, add_metrics, build_bundle
from ml.bundle import DEFAULT_BUNDLE, Prior, load_bundle
from ml.errors import UserError
from ml.models.backbone import create_backbone, load_weights
from ml.preprocess import InputSpec, ViewSpec
from ml.reports import model_card

TRAINING = (
    "EfficientNet-Lite0 distilled at 288 px on ISIC 2018 Task 3 from three teachers (EfficientNet-Lite2, Lite2 and "
    "Lite1, themselves started from ImageNet weights); neither it nor they saw the images of fold 4 and of the test "
    "fold, nor their near-duplicates. Read at 320 px in two central views, whose scores are averaged."
)
ATTRIBUTION = """\
# Attribution

The weights in this directory were trained on the images and labels of ISIC 2018 Task 3 (HAM10000) and are shared on the
same terms: **Creative Commons Attribution-NonCommercial 4.0 International (CC BY-NC 4.0)**,
https://creativecommons.org/licenses/by-nc/4.0/. Not for commercial use.

- Images and labels: ViDIR Group, Department of Dermatology, Medical University of Vienna. P. Tschandl, C. Rosendahl,
  H. Kittler, "The HAM10000 dataset, a large collection of multi-source dermatoscopic images of common pigmented skin
  lesions", Scientific Data 5:180161 (2018), https://doi.org/10.1038/sdata.2018.161.
- Challenge: N. Codella et al., "Skin Lesion Analysis Toward Melanoma Detection 2018: A Challenge Hosted by the
  International Skin Imaging Collaboration (ISIC)", https://arxiv.org/abs/1902.03368.
- Architecture and the ImageNet weights that training started from: EfficientNet-Lite, Google (Apache-2.0), through
  PyTorch Image Models (timm), Ross Wightman (Apache-2.0).
"""
ORIGIN = Origin(
    name="lite0-isic2018-distilled",
    version="1.0",
    architecture="tf_efficientnet_lite0",
    input=InputSpec(
        size=320,
        views=(ViewSpec("central 90 %", 0.9), ViewSpec("central 70 %", 0.7)),
        max_aspect_ratio=4 / 3,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        layout="NHWC",
    ),
    training_prior=Prior(
        (0.158, 0.387, 0.107, 0.085, 0.157, 0.051, 0.055), "class frequencies that the training's sampling made"
    ),
    training=TRAINING,
    licence="CC BY-NC 4.0",
    attribution=ATTRIBUTION,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 with a one-line message for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m ml.ship", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory in the official ISIC 2018 Task 3 layout")
    parser.add_argument("--weights", type=Path, required=True, help="safetensors state dict of the network")
    parser.add_argument("--out", type=Path, default=DEFAULT_BUNDLE, help="directory of the bundle")
    parser.add_argument("--report-test", metavar="WHY", help="also measure the test fold, and log why")
    options = parser.parse_args(arguments)
    try:
        model = create_backbone(ORIGIN.architecture)
        if not load_weights(model, options.weights):
            raise UserError(f"{options.weights}: has no classifier of seven classes; give the trained weights.")
        bundle = build_bundle(model, options.out, ORIGIN, options.data)
        if options.report_test:
            bundle = add_metrics(load_bundle(options.out), options.data, "test", why=options.report_test)
        if options.out == DEFAULT_BUNDLE:
            model_card.write(bundle.manifest)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{bundle.path}: {bundle.manifest.name} {bundle.manifest.version}, {bundle.sha256}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
