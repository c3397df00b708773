"""The section of the model card on artefact probes against labels by eye."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ml.bundle.manifest import DETECTOR_FILE, Manifest
from ml.metrics.estimate import Estimate, table

ARTEFACT_PROBES = Path(__file__).parents[3] / "docs" / "artefact-heads.json"
"""Measured by ``ml.reports.artefact_heads`` of revision 92996e3."""

TITLE = "## Hair, ruler marks, ink and dark corners, against labels by eye"
RULES = {"flag": "flag", "heuristic_threshold": "heuristic's threshold"}
TOO_FEW = "too few"
ENOUGH_SEEN, ENOUGH_FOUND = 10, 0.5


def describe_artefact_probes(manifest: Manifest) -> list[str]:
    """The section, if the bundle has a detector; results hold for the detector they were measured on."""
    if manifest.gate is None:
        return []
    found = json.loads(ARTEFACT_PROBES.read_text(encoding="utf-8"))
    if found["gate_sha256"] != manifest.files.get(DETECTOR_FILE):
        return [f"{TITLE}\n\nNot measured of this detector; revision 92996e3 measured an earlier one."]
    parts = {name.replace("_", " "): each["not_fitted_on"] for name, each in found["heads"].items()}
    header = ("estimate", "seen by eye", "sensitivity", "specificity", "κ", "AUROC", "AUROC of the heuristic")
    return [
        f"""{TITLE}

The estimates learnt from heuristics. Here they are set against labels by eye (docs/eda) on which two passes agree, made
by one annotator who is no clinician. Of these estimates only that of hair raises a flag.
{len(found["fitted_on"])} of the {found["labelled"]} labelled pictures are among those that the estimates were fitted
on, and left out here; the network itself was trained on the folds of all of them, and the heuristics' thresholds were
chosen on half. Half were drawn for high scores, so that these are no shares of all photographs. Intervals are 95 %: of
κ and AUROC by bootstrap over lesions, else Wilson's. Measured by `ml.reports.artefact_heads` of revision 92996e3
([figures](artefact-heads.json)).

{table(header, (row for name, part in parts.items() for row in _list_rules(name, part)))}

{" ".join(_judge_probe(name, part) for name, part in parts.items()).strip()}"""
    ]


def _list_rules(name: str, part: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """A row for each limit from which a probe calls an artefact present."""
    few = part["positive"] < ENOUGH_SEEN
    for rule, entry in part["rules"].items():
        yield (
            f"{name}, {RULES[rule]} (> {entry['above']:g})",
            f"{part['positive']} of {part['images']}",
            TOO_FEW if few else _show_found(entry["sensitivity"]),
            _show_found(entry["specificity"]),
            *(TOO_FEW if few else _show_found(each) for each in (entry["kappa"], part["auroc"])),
            TOO_FEW if few else _show_found(part["auroc_of_heuristic"]),
        )


def _judge_probe(name: str, part: Mapping[str, Any]) -> str:
    """Weaknesses of a probe in a sentence, or nothing."""
    if part["positive"] < ENOUGH_SEEN:
        return f"**Not known**: {name} is seen in {part['positive']} of these pictures, too few to say if it is found."
    flag = part["rules"].get("flag")
    if flag is None or flag["sensitivity"]["value"] >= ENOUGH_FOUND:
        return ""
    return (
        f"**Poor**: the flag of {name} is raised in {100 * flag['sensitivity']['value']:.0f} % of those in which "
        f"{name} is seen by eye; a photograph without the flag may well show it."
    )


def _show_found(figure: Mapping[str, Any]) -> str:
    return Estimate.from_json(figure).text(2)
