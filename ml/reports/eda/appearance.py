"""Sections on appearance: light, colour, sharpness, and the size and asymmetry of the lesion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ml.reports.eda import charts
from ml.reports.eda.page import Figure, Image, Section
from ml.reports.eda.table import separate

TELLING_AUC, TELLING_SHARE = 0.15, 0.1
"""Least distance of a measure's AUC from 0.5, or explained variance, to be called informative."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A column, its name in a sentence and on an axis, and its meaning if it is informative and if it is not."""

    column: str
    name: str
    axis: str
    if_telling: str
    if_not: str


LOOKS = (
    Measure(
        "lightness",
        "Mean lightness",
        "mean L* (0 black to 100 white)",
        "exposure differs between classes, so a network may read the camera: vary brightness in training.",
        "exposure tells little of the diagnosis: varying it in training loses little.",
    ),
    Measure(
        "redness",
        "Mean redness",
        "mean a* (green below 0, red above)",
        "part of this is the lesion and part the white balance: vary the channels' gains, and gently.",
        "white balance varies more within a class than between classes: vary the channels' gains.",
    ),
    Measure(
        "yellowness",
        "Mean yellowness",
        "mean b* (blue below 0, yellow above)",
        "part of this is the lesion and part the white balance: shifts of hue in training must stay small.",
        "blue to yellow is mostly the camera's white balance, and its gains may be varied.",
    ),
    Measure(
        "sharpness",
        "Sharpness",
        "Laplacian ÷ luminance, standard deviations",
        "blur goes with the class, and a network may use it: blur some training pictures, and report by sharpness.",
        "blur is no shortcut to the class; a limit for the quality flag can be the same for all.",
    ),
    Measure(
        "contrast",
        "Contrast",
        "95th less 5th percentile of luminance",
        "a dark lesion on light skin is a sign in itself: do not equalise contrast away.",
        "contrast alone tells little: texture and structure have to carry the diagnosis.",
    ),
)

SHAPES = (
    Measure(
        "area",
        "Lesion area",
        "share of the picture inside the mask",
        "size in the picture is a sign that random crops with a wide range of scale destroy: keep that range narrow.",
        "size in the picture tells little, as magnification is unknown; crops of varied scale cost little.",
    ),
    Measure(
        "asymmetry",
        "Asymmetry",
        "1 − overlap with the mirror image",
        "the outline's asymmetry is a cheap feature for the baseline on handcrafted features.",
        "the outline's asymmetry, the A of the ABCD rule, is weak here: structure and colour inside it decide.",
    ),
)


def describe_appearance(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Section:
    """Light, colour and sharpness by class."""
    numbers["appearance"] = {}
    return Section(
        "appearance",
        "Brightness, colour, sharpness",
        "Means over the whole picture in CIELAB; sharpness and contrast as the site measures an upload. Boxes are "
        "quartiles, whiskers the 5th and 95th percentiles.",
        _draw_measures(table, LOOKS, out, numbers["appearance"]),
    )


def describe_shapes(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Section:
    """Area and asymmetry from the masks."""
    masked = table[table["area"].notna()]
    if masked.empty:
        return Section("shape", "Lesion area and asymmetry", "These data have no masks (HAM10000_segmentations).")
    cut_off = float(masked["cut_off"].mean())
    by_class = masked.groupby("class")["cut_off"].mean()
    numbers["shape"] = {"masks": len(masked), "cut_off": cut_off, "cut_off_by_class": by_class.to_dict()}
    return Section(
        "shape",
        "Lesion area and asymmetry",
        f"From {len(masked):,} masks. Asymmetry is 1 less the overlap (intersection over union) of the mask with its "
        "mirror image about its principal axes, mean of both, after Stoecker, Li and Moss (1992). "
        f"The picture's edge cuts {cut_off:.0%} of the lesions, from {by_class.min():.0%} of {by_class.idxmin()} to "
        f"{by_class.max():.0%} of {by_class.idxmax()}: their area is a lower bound.",
        _draw_measures(masked, SHAPES, out, numbers["shape"]),
    )


def _draw_measures(
    table: pd.DataFrame, measures: Sequence[Measure], out: Path, numbers: dict[str, Any]
) -> list[Figure]:
    figures = []
    for measure in measures:
        file = f"{measure.column}.svg"
        charts.draw_boxes(out / file, table, measure.column, measure.axis)
        found = separate(table, measure.column)
        low, high = (choose(found.medians, key=found.medians.__getitem__) for choose in (min, max))
        numbers[measure.column] = {
            "explained": found.explained,
            "auc_malignant": found.auc,
            "medians": found.medians,
        }
        telling = found.explained >= TELLING_SHARE or (found.auc is not None and abs(found.auc - 0.5) >= TELLING_AUC)
        auc = "" if found.auc is None else f", AUC {found.auc:.2f} for malignant against benign on its own"
        figures.append(
            Figure(
                [
                    Image(
                        file,
                        f"Box plot of {measure.name.lower()} by class; medians lowest for {low}, highest for {high}",
                    )
                ],
                f"{measure.name}: medians from {found.medians[low]:.3g} ({low}) to {found.medians[high]:.3g} ({high}); "
                f"class explains {found.explained:.0%} of the variance{auc}.",
                measure.if_telling if telling else measure.if_not,
            )
        )
    return figures
