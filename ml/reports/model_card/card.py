"""The model card, generated from a bundle's manifest.

Its headings are those of Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

import argparse
from pathlib import Path
from typing import Any

from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.bundle.manifest import Manifest
from ml.data.isic import read_isic
from ml.evaluation.report import LABELS
from ml.metrics.estimate import Estimate, table
from ml.metrics.figures import PER_CLASS
from ml.reports.model_card.artefact_probes import describe_artefact_probes
from ml.reports.model_card.lesions import describe_lesions
from ml.reports.model_card.limits import BESIDE, DIAGRAM, choose_fold, describe_limits, name_fold
from ml.reports.model_card.official_test import describe_official
from ml.reports.model_card.refusals import describe_refusals
from ml.reports.model_card.reliability import draw_reliability
from ml.reports.model_card.repeatability import describe_repeatability
from ml.reports.study.figures import save
from ml.serve.image_io import thumbnail
from ml.support.disk import read_file
from ml.taxonomy import LESION_CLASSES

THUMBNAIL_SIDE = 128
MODEL_CARD = Path(__file__).parents[3] / "docs" / "model-card.md"

IN_SAMPLE = """\
**in-sample**: temperature, offsets, thresholds, prediction sets
and, where there is one, the detector's limits were fitted on these images, and every figure here follows them: the
calibration error, the sensitivities and specificities and what is *not assessable* most of all, the areas under the
curve (AUC, auc), which no threshold enters, least."""


def write_card(manifest: Manifest, path: Path = MODEL_CARD) -> None:
    """Write the card of a manifest, and beside it the diagram that it shows."""
    path.write_text(render_card(manifest), encoding="utf-8")
    if (figure := draw_reliability(manifest.limits)) is not None:
        save(figure, path.parent / BESIDE / DIAGRAM)


def write_thumbnails(manifest: Manifest, images: Path, path: Path = MODEL_CARD) -> None:
    """Write the thumbnails of the melanomas on the card beside it, and remove all others."""
    folder = path.parent / BESIDE
    folder.mkdir(exist_ok=True)
    shown = {each["image"] for each in manifest.limits.get("test", {}).get("missed_melanomas", [])}
    for old in folder.glob("*.jpg"):
        if old.stem not in shown:
            old.unlink()
    for name in shown:
        (folder / f"{name}.jpg").write_bytes(thumbnail(read_file(images / f"{name}.jpg"), side=THUMBNAIL_SIDE))


def render_card(manifest: Manifest) -> str:
    """The card as Markdown."""
    sections = (
        _introduce(manifest),
        _describe_use(),
        _describe_reading(manifest),
        *(_describe_figures(name, figures) for name, figures in sorted(manifest.metrics.items(), reverse=True)),
        describe_official(),
        *describe_limits(manifest),
        *describe_refusals(manifest),
        *describe_repeatability(manifest),
        *describe_lesions(manifest, choose_fold(manifest), name_fold(choose_fold(manifest))),
        *describe_artefact_probes(manifest),
        _describe_limits(manifest),
        f"## Licence and credits\n\nWeights: **{manifest.licence}**. The project's code has its own licence.\n\n"
        + manifest.attribution.replace("# Attribution\n\n", ""),
    )
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _introduce(manifest: Manifest) -> str:
    return f"""# Model card: {manifest.name} {manifest.version}

Generated from the bundle's manifest by `python -m ml card`; do not edit.

| | |
|---|---|
| architecture | {manifest.architecture} (timm), {len(manifest.classes)} classes |
| made | {manifest.created} |
| data | {manifest.data.name}; split SHA-256 `{manifest.data.split_sha256}` |
| ONNX graph | SHA-256 `{manifest.files["model.onnx"]}` |
| TorchScript graph | SHA-256 `{manifest.files["model.torchscript.pt"]}` |

## Where the weights come from

{manifest.training}"""


def _describe_use() -> str:
    return """## Intended use

Research and teaching: a second look at one dermoscopic photograph of one skin lesion by a trained reader, who decides.
It is **not a medical device**, gives no diagnosis, and never says that all is well.

Not for: photographs taken without a dermatoscope, lesions of mucosa or nails, screening without a clinician, children
(hardly any in the data), or deciding against a biopsy that a clinician would do."""


def _describe_reading(manifest: Manifest) -> str:
    views = " and ".join(f"{view.fraction:.0%}" for view in manifest.input.views)
    size = manifest.input.size
    malignant, melanoma = manifest.thresholds.malignant, manifest.thresholds.melanoma
    rows = "\n".join(
        f"| {each.code} | {each.name} | {'yes' if each.malignant else ''} | "
        f"{trained:.3f} | {target:.3f} | {offset:+.3f} |"
        for each, trained, target, offset in zip(
            LESION_CLASSES,
            manifest.training_prior.frequencies,
            manifest.target_prior.frequencies,
            manifest.calibration.offsets,
            strict=True,
        )
    )
    return f"""## How a photograph becomes a reading

The central {views} of both sides (after a central crop to {manifest.input.max_aspect_ratio:.2f} : 1 at most), each
squashed to {size} × {size} pixels ({manifest.input.interpolation}); the views' scores are averaged,
divided by the training prior, their logarithms divided by the temperature {manifest.calibration.temperature}, and an
offset for each class added. *Balanced scores* stop there; *probabilities* are calibrated to the target prior:
{manifest.target_prior.description}. Where malignant lesions are rarer
or commoner than that, probabilities are off.

| class | name | malignant | training prior | target prior | offset |
|---|---|---|---|---|---|
{rows}

A lesion is *suspicious* from a malignant sum of {malignant.suspicious_from} on ({malignant.how}). It is *low risk* only
where the sum is below {malignant.low_risk_below} and melanoma below {melanoma.low_risk_below} ({melanoma.how}), and
*refer: uncertain* else. *Not assessable*: what the detector refuses, a photograph without colour or altered, a blank
frame, and where declared: {", ".join(manifest.not_assessable_where) or "nothing"}."""


SELECTED = """read for reporting only. But the recipe, the 320 px and the two views were chosen, before the split was
frozen, by measurements on the 1,999 unseen images of which this fold and fold 4 were then cut, so the figures are a
little better than on images that chose nothing: see the official test set."""


def _describe_figures(name: str, figures: dict[str, Any]) -> str:
    title = name_fold(name)
    # A manifest older than a metric lacks it.
    scalars = (
        (LABELS[key], Estimate.from_json(figures["metrics"][key])) for key in LABELS if key in figures["metrics"]
    )
    classes = (
        (code, entry["images"], *(Estimate.from_json(entry[key]) for key in PER_CLASS))
        for code, entry in figures["per_class"].items()
    )
    lesions = figures["lesions"]
    images = f"{figures['images']} images" + ("" if lesions is None else f" of {lesions} lesions")
    units = "lesions" if lesions is not None else "images, for lesions are not known"
    purpose = SELECTED if name == "test" else IN_SAMPLE
    return f"""## Figures on {title}

{images}; {purpose} Measured on the exported
ONNX graph, from image files through the serving functions, re-encoding included; 95 % intervals by bootstrap over
{units}. Accuracy, F1 and the table below follow the balanced scores; malignancy, calibration and the *most probable*
class follow the probabilities.

{table(("metric", "value"), scalars)}

{table(("class", "images", *PER_CLASS), classes)}

Not assessable among them: {len(figures["not_assessable"])}.{_describe_shown_again(figures)}"""


def _describe_shown_again(figures: dict[str, Any]) -> str:
    count = len(figures.get("shown_again", ()))
    if not count:
        return ""
    return f"""

Lesions shown again: {count} of these images show a lesion that images of other folds show under another id; these
others are listed in `ml/data/splits/isic2018_task3.exclusions.csv`."""


def _describe_limits(manifest: Manifest) -> str:
    count = len(manifest.classes)
    return f"""## Limits

- **Skin tone not evaluated**: HAM10000, from Vienna and Queensland, does not record it.
- Nail, mucosa, eyelid, ulcer and tattoo are not in the data: declare them, and the lesion is not assessed.
- It knows {count} diagnoses and others exist: any other lesion, or picture, still gets {count} probabilities.
- It misses malignant lesions, melanoma most of all: see the recall and the sensitivities above with their intervals.
- Few dermatofibromas and vascular lesions: their intervals are wide.
- Every malignant label is confirmed by histopathology, more than half of the naevi only by follow-up: what was biopsied
  is not what walks in.
- Figures come from the same source as the training images. Other dermatoscopes, cameras and clinics are not shown here.
- The heat-map is attention, not evidence."""


def main(options: argparse.Namespace) -> int:
    """Write the card of the shipped bundle, and its thumbnails if data are given."""
    manifest = load_bundle(DEFAULT_BUNDLE).manifest
    write_card(manifest)
    if options.data is not None:
        write_thumbnails(manifest, read_isic(options.data).records[0].path.parent)
    return 0
