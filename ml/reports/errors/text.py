"""The error report in sentences, generated from its numbers."""

from collections.abc import Mapping
from typing import Any

from ml.evaluation.mistakes import FEWEST
from ml.metrics.estimate import Estimate


def summarise(figures: Mapping[str, Any]) -> str:
    """The report in a few sentences, generated from its numbers."""
    sentences = [
        f"{figures['model']} on {figures['on']}:",
        f"{figures['wrong']} of {figures['images']} images are most probably another class than their label;",
        f"{figures['missed_malignant']} of {figures['malignant']} malignant ones are low risk.",
    ]
    for truth, decided, number, share in figures["confusions"][:1]:
        sentences.append(
            f"The commonest confusion: {truth} taken for {decided}, {number} images, {share:.0%} of {truth}."
        )
    lowest = _find_lowest(figures["parts"], "malignancy_auc")
    if lowest:
        partition, part, figure = lowest
        sentences.append(f"Malignancy AUC is lowest for {partition} \u201c{part}\u201d: {figure}.")
    sentences += [describe_doubts(figures), "They are candidates for a second look; no label was changed."]
    return " ".join(sentences)


def describe_doubts(figures: Mapping[str, Any]) -> str:
    """How many labels are doubted, and by what."""
    noisy = figures["noisy_labels"]
    text = f"Confident learning doubts {noisy['model_doubts']} of {figures['images']} labels by the model's predictions"
    if "both_doubt" not in noisy:
        return f"{text}."
    others = f"{noisy['features_doubt']} of {noisy['features_of']} by cross-validated frozen features"
    return f"{text}, {others}, and {noisy['both_doubt']} by both."


def _find_lowest(parts: Mapping[str, Any], metric: str) -> tuple[str, str, Estimate] | None:
    defined = [
        (partition, part, Estimate.from_json(figures[metric]))
        for partition, its in parts.items()
        for part, figures in its.items()
        if None not in figures[metric].values() and FEWEST <= figures["malignant"] <= figures["images"] - FEWEST
    ]
    return min(defined, key=lambda each: each[2].value or 0.0, default=None)
