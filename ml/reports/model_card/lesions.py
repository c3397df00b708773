"""The part of the model card on similar cases, lesion masks and the heat-map."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.bundle.manifest import ONNX_FILE, Manifest
from ml.metrics.estimate import Estimate, table
from ml.taxonomy import CLASSES

HEAT_MAP = Path(__file__).parents[3] / "docs" / "heat-map.json"
"""Written by ``python -m ml heat-map``."""


def describe_lesions(manifest: Manifest, name: str, title: str) -> list[str]:
    """The sections for which the manifest, or the heat-map's checks on the same graph, have results.

    ``name`` is the fold's key in the manifest's limits, ``title`` its name in words.
    """
    fold = manifest.limits.get(name, {})
    sections = []
    if "similar_cases" in fold:
        sections.append(_describe_similar_cases(fold["similar_cases"], title))
    if "segmentation" in fold:
        sections.append(_describe_segmentation(fold["segmentation"], title))
    if (measured := find_heat_map(manifest)) is not None:
        sections.append(_describe_heat_map(measured))
    return sections


def find_heat_map(manifest: Manifest, path: Path = HEAT_MAP) -> dict[str, Any] | None:
    """Results of the heat-map's checks, if they are of this manifest's graph."""
    measured = dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    return measured if measured.get("graph") == manifest.files[ONNX_FILE] else None


def _describe_similar_cases(found: Mapping[str, Any], title: str) -> str:
    precision, ranking, chance = found["precision"], found["mean_average_precision"], found["by_chance"]
    means = (Estimate.from_json(each["mean"]).text() for each in (precision, ranking))
    rows: list[tuple[str, ...]] = [("mean of the classes", *means, "")]
    rows += [
        (code, f"{precision[code]:.3f}", f"{ranking[code]:.3f}", f"{chance[code]:.3f}")
        for code in CLASSES
        if code in precision
    ]
    header = ("class", f"of the {found['shown']} shown", "mean average precision", "by chance")
    return f"""## Similar cases, on {title}

Of {found["photographs"]} photographs, how often a case that lies near is of the same class: among those shown, and over
the ranking of all {found["cases"]} cases; by chance it would be the class's share of the cases. In {found["copies"]}
a case was left out as a copy of the photograph.

{table(header, rows)}"""


def _describe_segmentation(found: Mapping[str, Any], title: str) -> str:
    rows = (
        ("Dice", Estimate.from_json(found["dice"]), Estimate.from_json(found["otsu_dice"])),
        ("intersection over union", Estimate.from_json(found["jaccard"]), Estimate.from_json(found["otsu_jaccard"])),
    )
    ranks, difference = found["rank_correlation"], Estimate.from_json(found["dice_less_otsu"])
    return f"""## Where it sees the lesion, on {title}

Masks of {found["images"]} photographs against those drawn by people, and Otsu's threshold of the same photographs
against them. Dice of the network less Otsu's: {difference.text(signed=True)}. Rank correlation with the
drawn masks: {ranks["lesion_area"]:.3f} in the lesion's area, {ranks["lesion_asymmetry"]:.3f} in its asymmetry.

{table(("overlap", "network", "Otsu's threshold"), rows)}"""


def _describe_heat_map(found: Mapping[str, Any]) -> str:
    overlap = found["overlap"]
    places = table(
        ("intersection over union with the lesion's mask", "mean"),
        (
            ("hottest part of the picture, as large as the mask", Estimate.from_json(overlap["heat_map"])),
            ("disc of that size in the middle of the picture", Estimate.from_json(overlap["centred_disc"])),
            ("difference", Estimate.from_json(overlap["difference"]).text(signed=True)),
        ),
    )
    likeness = table(
        ("weights shuffled down to", "rank correlation"),
        [(each["down_to"], f"{each['rank_correlation']:.3f}") for each in found["randomised"]],
    )
    return f"""## Does the heat-map mean anything?

Measured on {found["images"]} images of fold 4 by `python -m ml heat-map` ([figures](heat-map.json)). Place:

{places}

Dependence on what was learnt: how alike the maps of {found["randomised_images"]} images are before and after weights
are shuffled, from the last layer down. Maps of two different photographs correlate by
{found["other_photographs"]:.3f}: what comes near it has nothing left of the picture.

{likeness}"""
