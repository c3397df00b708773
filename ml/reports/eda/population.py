"""Sections on the population: classes, lesions, age, sex, site, and how the diagnosis was confirmed."""

from pathlib import Path
from typing import Any

import pandas as pd

from ml.metrics import estimate
from ml.reports.eda import charts
from ml.reports.eda.page import Figure, Image, Section
from ml.reports.eda.table import associate, separate, share_by_class
from ml.taxonomy import CLASSES, MALIGNANT

WEAK, STRONG = 0.1, 0.3
"""Bounds of Cramér's V: weak below the first, strong from the second (Cohen, "Statistical Power Analysis", 1988)."""
MOST_SITES = 10
HELD_OUT = 0.2
"""Share of images held out by a split by image, which is computed but not used."""


def describe_classes(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Section:
    """Images and lesions by class, by fold, and images per lesion."""
    counts = pd.DataFrame(
        {"pictures": table.groupby("class").size(), "lesions": table.groupby("class")["lesion"].nunique()}
    ).reindex([code for code in CLASSES if code in set(table["class"])])
    charts.draw_bars(out / "classes.svg", counts, "count (logarithmic scale)", logarithmic=True)
    most, least = counts["pictures"].idxmax(), counts["pictures"].idxmin()
    ratio = counts["pictures"].max() / counts["pictures"].min()
    share = counts["pictures"].max() / len(table)
    numbers["classes"] = counts.to_dict()
    by_fold = pd.crosstab(table["class"], table["fold"]).reindex(counts.index)
    rows = [
        [code, *(f"{count:,}" for count in row)] for code, row in zip(by_fold.index, by_fold.to_numpy(), strict=True)
    ]
    return Section(
        "classes",
        "Classes and lesions",
        "Counts of the development folds of the frozen split; the test fold stays unread here, its labels too.",
        [
            Figure(
                [Image("classes.svg", f"Bars of pictures and lesions by class; {most} has most, {least} fewest")],
                f"{most} has {ratio:.0f} times the pictures of {least}.",
                f"answering {most} to everything would be right in {share:.0%} of the pictures and useless. So the "
                "figure to choose by is balanced accuracy, and loss or sampling has to make up for a prior of "
                f"{ratio:.0f} to 1; intervals of {least} stay wide whatever is done.",
            ),
            _describe_lesions(table, out, numbers),
        ],
        estimate.table(["class", *(f"fold {name}" for name in by_fold.columns)], rows),
    )


def _describe_lesions(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Figure:
    sizes = table.groupby("lesion").size()
    counts = sizes.value_counts().sort_index()
    several = sizes[sizes > 1]
    in_several = int(several.sum())
    charts.draw_bars(
        out / "pictures-a-lesion.svg",
        pd.DataFrame({"lesions": counts.to_numpy()}, index=[str(size) for size in counts.index]),
        "lesions (logarithmic scale), by pictures of one lesion",
        logarithmic=True,
    )
    repeated = table["lesion"].isin(several.index).groupby(table["class"]).mean()
    most = str(repeated.idxmax())
    # A held-out image's lesion is in training unless all its other images are held out too.
    leaking = float((1 - HELD_OUT ** (table["lesion"].map(sizes) - 1)).mean())
    numbers["pictures_a_lesion"] = {
        "lesions_by_pictures": {str(size): int(count) for size, count in counts.items()},
        "pictures_of_lesions_with_several": in_several,
        "leak_of_a_split_by_picture": leaking,
        "share_by_class": repeated.to_dict(),
    }
    return Figure(
        [Image("pictures-a-lesion.svg", "Bars of the number of lesions by how many pictures they have")],
        f"{len(several):,} of {len(sizes):,} lesions have several pictures, up to {sizes.max()}; "
        f"{in_several / len(table):.0%} of all pictures show one of them, and {repeated.max():.0%} of those of {most}.",
        f"of a random fifth of the pictures, held out, {leaking:.0%} would show a lesion that is also trained on, "
        "and the result would praise memory. Splits, folds and bootstrap are by lesion.",
    )


def describe_patients(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Section:
    """Patient and lesion metadata: age, sex, site and confirmation against the class."""
    describers = {
        "age": _describe_age,
        "sex": _describe_sex,
        "site": _describe_site,
        "confirmation": _describe_confirmation,
    }
    told = [column for column in describers if table[column].notna().any()]
    numbers["patients"] = {column: {"missing": int(table[column].isna().sum())} for column in told}
    figures = [describers[column](table, out, numbers["patients"][column]) for column in told]
    silent = [column for column in describers if column not in told]
    text = "What the data tell of the patient and the lesion, beside the picture."
    if silent:
        text += f" Not told in these data: {', '.join(silent)}."
    return Section("patients", "Age, sex, site, confirmation", text, figures)


def _describe_age(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Figure:
    found = separate(table, "age")
    charts.draw_boxes(out / "age.svg", table, "age", "age (years)")
    oldest, youngest = (choose(found.medians, key=found.medians.__getitem__) for choose in (max, min))
    numbers |= {"explained": found.explained, "auc_malignant": found.auc, "medians": found.medians}
    auc = "cannot be judged here" if found.auc is None else f"has an AUC of {found.auc:.2f}"
    return Figure(
        [Image("age.svg", f"Box plot of age by class; medians from {youngest} to {oldest}")],
        f"Median age runs from {found.medians[youngest]:.0f} ({youngest}) to {found.medians[oldest]:.0f} ({oldest}); "
        f"unknown for {found.missing} pictures.",
        f"age alone {auc} for malignant against benign, and class explains {found.explained:.0%} of its variance: "
        "worth offering to a network as metadata, with the missing value as a case of its own, and a reason to report "
        "results by age.",
    )


def _describe_sex(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Figure:
    shares, link = share_by_class(table, "sex"), associate(table, "sex")
    charts.draw_shares(out / "sex.svg", shares, "% of pictures")
    numbers |= {"cramers_v": link, "shares": shares.to_dict("index")}
    first = shares.columns[-1]
    most, least = shares[first].idxmax(), shares[first].idxmin()
    return Figure(
        [Image("sex.svg", f"Stacked bars of sex by class; {first} from {least} to {most}")],
        f"The share of {first} patients runs from {shares[first].min():.0%} ({least}) to {shares[first].max():.0%} "
        f"({most}); unknown for {numbers['missing']} pictures.",
        f"sex and class are linked {_name_link(link)} (Cramér's V {link:.2f}): a hint at most as an input, and a "
        "subgroup to report.",
    )


def _describe_site(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Figure:
    common = table["site"].value_counts().index[:MOST_SITES]
    grouped = table.assign(site=table["site"].where(table["site"].isin(common) | table["site"].isna(), "other"))
    shares, link = share_by_class(grouped, "site").T, associate(table, "site")
    charts.draw_heatmap(out / "site.svg", shares)
    numbers |= {"cramers_v": link, "shares": shares.to_dict()}
    peaks = {str(code): (str(shares[code].idxmax()), float(shares[code].max())) for code in shares.columns}
    code = max(peaks, key=lambda name: peaks[name][1])
    return Figure(
        [Image("site.svg", "Heat map: percentage of each class's pictures by body site")],
        f"Percent of each class's pictures by site. The most bound to one site is {code}: {peaks[code][1]:.0%} on the "
        f"{peaks[code][0]}. Unknown for {numbers['missing']} pictures.",
        f"site and class are linked {_name_link(link)} (Cramér's V {link:.2f}): site carries information that a crop "
        "does not show, but a network also learns where this clinic looked; results by site are due.",
    )


def _describe_confirmation(table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Figure:
    shares, link = share_by_class(table, "confirmation").T, associate(table, "confirmation")
    charts.draw_heatmap(out / "confirmation.svg", shares)
    numbers |= {"cramers_v": link, "shares": shares.to_dict()}
    cut = [name for name in shares.index if "histo" in str(name).lower()]
    malignant = [code for code in MALIGNANT if code in shares.columns]
    benign = [code for code in shares.columns if code not in malignant]
    by_histology = shares.loc[cut].sum()
    least = str(by_histology[benign].idxmin()) if benign else ""
    worst = f" {least} only in {by_histology[least]:.0%}." if least else ""
    return Figure(
        [Image("confirmation.svg", "Heat map: percentage of each class's pictures by way of confirmation")],
        f"Histology confirms {by_histology[malignant].mean():.0%} of the malignant classes' pictures;{worst}",
        f"confirmation and class are linked {_name_link(link)} (Cramér's V {link:.2f}). What was cut out is harder "
        "than what was watched, so an easy-looking naevus is easy partly because nobody doubted it: results must "
        "also be given for lesions confirmed by histology alone.",
    )


def _name_link(cramers_v: float) -> str:
    if cramers_v < WEAK:
        return "weakly"
    return "strongly" if cramers_v >= STRONG else "moderately"
