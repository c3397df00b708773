"""The section on near-duplicates: the same skin under different names."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.data.duplicates.near_duplicates import MAX_DISTANCE, find_near_duplicates
from ml.reports.eda import charts
from ml.reports.eda.galleries import open_tile, save_grid
from ml.reports.eda.page import Figure, Image, Section

EXAMPLES = 6
KINDS = ("same lesion", "other lesion, same class", "other lesion, other class", "with the test fold")


def list_pairs(measures: pd.DataFrame, table: pd.DataFrame, lesions: dict[str, str | None]) -> pd.DataFrame:
    """Pairs of near-duplicates: first, second, Hamming distance, kind (of ``KINDS``), and whether folds differ.

    Of the test fold only lesion ids are used, no label.
    """
    hashes = np.array([int(text, 16) for text in measures["phash"]], dtype=np.uint64)
    names = measures["image"].to_numpy()
    labels = table.set_index("image")["class"].to_dict()
    folds = table.set_index("image")["fold"].to_dict()
    rows = []
    for first, second in find_near_duplicates(hashes):
        one, other = str(names[first]), str(names[second])
        rows.append(
            {
                "first": one,
                "second": other,
                "distance": int(np.bitwise_count(hashes[first] ^ hashes[second])),
                "kind": _name_kind(lesions[one], lesions[other], labels.get(one), labels.get(other)),
                "across_folds": folds.get(one) != folds.get(other),
            }
        )
    return pd.DataFrame(rows, columns=["first", "second", "distance", "kind", "across_folds"])


def describe_duplicates(pairs: pd.DataFrame, table: pd.DataFrame, out: Path, numbers: dict[str, Any]) -> Section:
    """Number of pairs by kind, with examples of different lesions."""
    counts = pairs["kind"].value_counts().reindex(KINDS, fill_value=0)
    charts.draw_bars(out / "near-duplicates.svg", pd.DataFrame({"pairs": counts}), "pairs")
    elsewhere = pairs[~pairs["kind"].isin(["same lesion"])]
    leaking = int(elsewhere["across_folds"].sum())
    numbers["near_duplicates"] = {
        "max_distance": MAX_DISTANCE,
        "pairs": {kind: int(counts[kind]) for kind in KINDS},
        "pictures": len(set(pairs["first"]) | set(pairs["second"])),
        "across_folds_of_other_lesions": leaking,
    }
    disputed = int(counts["other lesion, other class"])
    figures = [
        Figure(
            [Image("near-duplicates.svg", "Bars of the number of near-duplicate pairs by kind")],
            f"{len(pairs):,} pairs differ in at most {MAX_DISTANCE} of 64 bits of their perceptual hash; "
            f"{len(elsewhere):,} of them are not filed under one lesion.",
            "a split by lesion id alone would leave such pairs on both sides. The frozen split groups "
            f"near-duplicates with their lesion; {leaking} such pairs still lie in two folds (a group has at most 30 "
            f"pictures). {disputed} pairs have two diagnoses for what the hash takes for one skin: candidates to "
            "leave out of training once a person has looked.",
        )
    ]
    figures += _draw_examples(elsewhere, table, out)
    return Section(
        "duplicates",
        "Near-duplicates",
        "Pairs of pictures whose 64-bit perceptual hashes all but agree. The test fold takes part without its labels.",
        figures,
    )


def _draw_examples(pairs: pd.DataFrame, table: pd.DataFrame, out: Path) -> list[Figure]:
    paths = table.set_index("image")["path"]
    shown = pairs[pairs["first"].isin(paths.index) & pairs["second"].isin(paths.index)].sort_values(
        ["kind", "distance", "first"]
    )
    shown = shown.drop_duplicates("first").drop_duplicates("second").head(EXAMPLES)
    if shown.empty:
        return []
    tiles = [open_tile(paths[name]) for row in shown.itertuples() for name in (row.first, row.second)]
    save_grid(tiles, out / "near-duplicate-pairs.webp", columns=4)
    listed = "; ".join(f"{row.first} and {row.second}, {row.kind.partition(', ')[2]}" for row in shown.itertuples())
    disputed = int((shown["kind"] == KINDS[2]).sum())
    return [
        Figure(
            [
                Image(
                    "near-duplicate-pairs.webp", f"{len(shown)} pairs of photographs, two to each row's half: {listed}"
                )
            ],
            f"Pairs side by side, two pairs a row: {listed}.",
            f"{disputed} of these {len(shown)} pairs carry different labels. Whether a pair is one lesion or two "
            "alike is for a person to say; the hash only proposes.",
        )
    ]


def _name_kind(one: str | None, other: str | None, label: str | None, other_label: str | None) -> str:
    if one is not None and one == other:
        return KINDS[0]
    if label is None or other_label is None:
        return KINDS[3]
    return KINDS[1] if label == other_label else KINDS[2]
