"""Metrics of one set of images with their intervals, as the JSON of a report has them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.metrics.bootstrap import FloatArray
from ml.metrics.estimate import DIGITS, Estimate, count_judged
from ml.taxonomy import CLASSES, MALIGNANT_INDICES

PER_CLASS = ("recall", "precision", "auc")


def describe_metrics(
    *,
    values: Mapping[str, FloatArray],
    intervals: Mapping[str, FloatArray],
    per_class: Sequence[int],
    how: str,
    digits: int = DIGITS,
    of: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """``metrics`` by name, and ``per_class`` the images of each class (7,) with its recall, precision and AUC.

    ``values`` hold scalars and, for those three, (7,); ``intervals`` low and high of each, (2, …). A recall is of the
    images of its class; ``of`` says of how many images a metric is that leaves some out.
    """
    images, malignant = sum(per_class), sum(per_class[index] for index in MALIGNANT_INDICES)
    counts = {name: count_judged(name, images=images, malignant=malignant) for name in values} | dict(of or {})
    scalars = {
        name: Estimate.of(value, intervals[name], n=counts[name], how=how, digits=digits).to_json()
        for name, value in values.items()
        if name not in PER_CLASS
    }
    classes: dict[str, dict[str, Any]] = {}
    for index, code in enumerate(CLASSES):
        classes[code] = {"images": per_class[index]}
        for name in PER_CLASS:
            n = per_class[index] if name == "recall" else counts[name]
            found = Estimate.of(values[name][index], intervals[name][:, index], n=n, how=how, digits=digits)
            classes[code][name] = found.to_json()
    return {"metrics": scalars, "per_class": classes}
