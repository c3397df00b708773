"""The section on artefacts: prevalence by class, and reliability of the heuristics."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ml.data.artefacts import ARTEFACTS
from ml.metrics.estimate import Table, table
from ml.metrics.shares import find_interval
from ml.reports.eda import charts, galleries
from ml.reports.eda.agreement import check_artefact
from ml.reports.eda.page import Figure, Image, Section
from ml.taxonomy import CLASSES

NAMES = {"hair": "Hair", "ruler": "A ruler", "ink": "Ink", "dark_corner": "A dark corner"}
UNEVEN = 1.5
"""Ratio of shares, malignant to benign or the reverse, from which an artefact is called a shortcut."""
FEW = 10
"""Fewest images with an artefact for which a sensitivity is meaningful."""


def describe_artefacts(
    table: pd.DataFrame,
    *,
    measures: pd.DataFrame,
    labels: pd.DataFrame,
    files: Mapping[str, Path],
    out: Path,
    numbers: dict[str, Any],
) -> Section:
    """Prevalence by class, and the check on the labelled images if the data contain all of them."""
    figures = [_draw_prevalence(table, artefact, out, numbers) for artefact in ARTEFACTS]
    text = (
        "Found by heuristics on OpenCV: thin lines for hair, parallel marks at equal steps for rulers, colours no "
        "skin has outside the lesion for ink, darkness in the corners."
    )
    if not set(labels["image"]) <= set(measures["image"]):
        return Section(
            "artefacts", "Artefacts", f"{text} The labelled pictures are not in these data: not checked.", figures
        )
    scores = measures.set_index("image").loc[labels["image"]]
    checks = {artefact: check_artefact(labels, scores[artefact], artefact) for artefact in ARTEFACTS}
    numbers["artefact_check"] = checks
    text += (
        f" Checked on {len(labels)} pictures of folds 0 to 3, of different lesions, labelled in two independent "
        f"passes before any score was seen: {(labels['drawn_by'] == 'random').sum()} at random, the others from the "
        "highest scores of a first version of each heuristic, so that each artefact occurs; their shares therefore "
        "do not stand for the whole, only the random ones do. Thresholds come from every second picture; "
        "sensitivity, specificity and κ of the heuristic from the others, where both passes agree."
    )
    unseen = [NAMES[name] for name, check in checks.items() if check["best_threshold_on_choosing_half"] is None]
    if unseen:
        text += (
            f" {', '.join(unseen)}: never seen in that half, so the threshold is set by the highest scores elsewhere."
        )
    return Section(
        "artefacts", "Artefacts", text, [*figures, _draw_sheets(labels, checks, files, out)], _tabulate(checks)
    )


def _draw_prevalence(table: pd.DataFrame, artefact: str, out: Path, numbers: dict[str, Any]) -> Figure:
    has = table[f"has_{artefact}"]
    by_class = has.groupby(table["class"]).agg(["sum", "size"])
    by_class = by_class.reindex([code for code in CLASSES if code in by_class.index])
    shares = pd.DataFrame({"share": by_class["sum"] / by_class["size"]})
    bounds = [find_interval(count / of, int(of)) for count, of in by_class.to_numpy()]
    file = f"{artefact.replace('_', '-')}.svg"
    charts.draw_shares(out / file, shares, f"% of pictures with {NAMES[artefact].lower()}, 95 % interval", bounds)
    sides = {side: has[table["malignant"] == (side == "malignant")] for side in ("malignant", "benign")}
    most, least = shares["share"].idxmax(), shares["share"].idxmin()
    numbers.setdefault("artefacts", {})[artefact] = {
        "share": float(has.mean()),
        **{side: float(found.mean()) for side, found in sides.items()},
        "by_class": shares["share"].to_dict(),
    }
    name = NAMES[artefact]
    return Figure(
        [Image(file, f"Bars: share of pictures with {name.lower()} by class, most in {most}, least in {least}")],
        f"{name}: found in {has.mean():.1%} of the pictures, from {shares['share'].min():.1%} ({least}) to "
        f"{shares['share'].max():.1%} ({most}); {sides['malignant'].mean():.1%} of the malignant, "
        f"{sides['benign'].mean():.1%} of the benign.",
        judge_shortcut(name.lower(), sides),
    )


def judge_shortcut(name: str, sides: Mapping[str, pd.Series]) -> str:
    """Meaning of an artefact's frequencies in malignant and in benign images."""
    if any(found.empty for found in sides.values()):
        return f"whether {name} goes with malignancy cannot be told from these data."
    more, fewer = sorted(sides, key=lambda side: -float(sides[side].mean()))
    high, low = float(sides[more].mean()), float(sides[fewer].mean())
    if high == 0 or high < UNEVEN * low:
        return f"{name} lies about evenly over malignant and benign: a nuisance to be robust to more than a shortcut."
    bounds = {side: find_interval(float(found.mean()), len(found)) for side, found in sides.items()}
    times = f"{high / low:.1f} times as often" if low > 0 else "only"
    if bounds[more][0] <= bounds[fewer][1]:
        return (
            f"{name} was found {times} in {more} pictures, but in too few to be sure (the 95 % intervals overlap); "
            "results should still be looked at with and without."
        )
    return (
        f"{name} was found {times} in {more} pictures, so it can be learnt in place of the lesion: report errors with "
        "and without it, and add it to training pictures or cover it."
    )


def _tabulate(checks: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = []
    for artefact, check in checks.items():
        count, of = check["seen_at_random"]
        low, high = find_interval(count / of, of)
        rows.append(
            [
                NAMES[artefact],
                f"{check['seen'][0]} / {check['seen'][1]}",
                _write_kappa(check["kappa"]),
                _write_share(*check["sensitivity"]),
                _write_share(*check["specificity"]),
                _write_kappa(check["heuristic_kappa"]),
                f"{count} of {of} ({low:.0%} to {high:.0%})",
            ]
        )
    header = ("", "seen, pass 1 / 2", "κ of passes", "sensitivity", "specificity", "κ of heuristic", "seen at random")
    return table(header, rows)


def _write_kappa(kappa: float | None) -> str:
    return "not defined" if kappa is None else f"{kappa:.2f}"


def _write_share(count: int, of: int) -> str:
    return f"{count} of {of}"


def _draw_sheets(
    labels: pd.DataFrame, checks: Mapping[str, Mapping[str, Any]], files: Mapping[str, Path], out: Path
) -> Figure:
    images = galleries.save_label_sheets(list(labels["image"]), files, out)
    kappas = {NAMES[name].lower(): check["kappa"] for name, check in checks.items() if check["kappa"] is not None}
    worst = min(kappas, key=kappas.__getitem__)
    few = [NAMES[name].lower() for name, check in checks.items() if check["sensitivity"][1] < FEW]
    unsure = f" Too few were seen to judge the sensitivity for {', '.join(few)}." if few else ""
    return Figure(
        images,
        f"The labelled pictures, in the order of artefact_labels.csv. The passes agree least on {worst} "
        f"(κ {kappas[worst]:.2f}).",
        f"an error analysis by artefact is as sure as these labels and heuristics, no surer.{unsure}",
        size="tiles",
    )
