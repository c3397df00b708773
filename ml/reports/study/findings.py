"""Conclusions of the study in sentences, generated from its figures."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ml.metrics.comparison import (
    NOISE,
    NOT_RUN,
    Models,
    Result,
    choose_best,
    differs_significantly,
    read_difference,
    read_figure,
)
from ml.metrics.estimate import Estimate
from ml.pipelines.study.plan import Question, StudyPlan

PLACEHOLDER = re.compile(r"\{(\w+)\.(choosing|test)\.(\w+)\}")
SERVING_COSTS = ("resolution", "metadata")
"""Questions whose variants change the cost or the input of a reading."""


def describe_question(question: Question, models: Models, comparisons: Sequence[Result]) -> str:
    """The best entry on the choosing fold, and the entries that differ significantly from the baseline."""
    best = choose_best(models)
    if not best:
        return "Not run."
    figure = read_figure(best, "choosing")
    first = f"Best on the choosing fold: **{best['label']}**, balanced accuracy {figure}."
    pairs = [
        (each, read_difference(each))
        for each in comparisons
        if each["part"] == "choosing" and each["other"] == question.baseline
    ]
    labels = {result["name"]: label for label, result in models if result}
    significant = [
        f"{labels[each['one']]} ({difference.text(signed=True)})"
        for each, difference in pairs
        if each["one"] in labels and differs_significantly(difference)
    ]
    compared = [each for each, _ in pairs if each["one"] in labels]
    if not compared:
        return first
    baseline = labels.get(str(question.baseline), str(question.baseline))
    if not significant:
        return f"{first} None of {len(compared)} differs significantly from {baseline}."
    verb = "differs" if len(significant) == 1 else "differ"
    count = f"{len(significant)} of {len(compared)}"
    return f"{first} {count} {verb} significantly from {baseline}: {', '.join(significant)}."


def describe_curve(question: Question, models: Models) -> str:
    """Gains of the first and the last step of a curve."""
    points = list_points(question, models)
    if len(points) < 2:
        return "Too few points for a curve."
    values = [figure.value or 0.0 for _, figure in points]
    unit = "px" if question.along == "resolution" else "training images"
    return (
        f"From {points[0][0]:g} to {points[-1][0]:g} {unit} balanced accuracy on the choosing fold goes from"
        f" {values[0]:.3f} to {values[-1]:.3f}; the last step, from {points[-2][0]:g} {unit}, brings"
        f" {values[-1] - values[-2]:+.3f}."
    )


def list_points(question: Question, models: Models) -> list[tuple[float, Estimate]]:
    """The varied number, and balanced accuracy with its interval on the choosing fold, ascending."""
    points = [
        (float(result["summary"][question.along]), read_figure(result, "choosing"))
        for _, result in models
        if result and result["summary"].get(question.along) is not None
    ]
    return sorted(points, key=lambda point: (point[0], point[1].value or 0.0))


def describe_leak(honest: Result, leaking: Result) -> str:
    """Claim of a random split by image, compared with a split by lesion and the test fold."""
    if not honest or not leaking:
        return f"The leak is {NOT_RUN}."
    claims = {name: read_figure(result, "choosing") for name, result in (("image", leaking), ("lesion", honest))}
    text = (
        f"Split by image, the same recipe claims a balanced accuracy of {claims['image']} on images that"
        f" it did not train on; split by lesion, {claims['lesion']}: the leak is worth"
        f" {_subtract(claims['image'], claims['lesion']):+.3f}."
    )
    if leaking.get("test") and honest.get("test"):
        true = {name: read_figure(result, "test") for name, result in (("image", leaking), ("lesion", honest))}
        text += (
            f" On the test fold, whose lesions neither saw, the first keeps {true['image']}, which is"
            f" {_subtract(true['image'], claims['image']):+.3f} from its claim; the second {true['lesion']},"
            f" {_subtract(true['lesion'], claims['lesion']):+.3f}."
        )
    return text


def _subtract(one: Estimate, other: Estimate) -> float:
    return (one.value or 0.0) - (other.value or 0.0)


def recommend_network(question: Question, models: Models, comparisons: Sequence[Result]) -> str:
    """The baseline, unless a larger network is significantly better on the choosing fold."""
    labels = {result["name"]: label for label, result in models if result}
    gains = {
        each["one"]: read_difference(each)
        for each in comparisons
        if each["part"] == "choosing" and each["other"] == question.baseline and each["one"] in labels
    }
    if not gains:
        return f"*{question.title}*: what is larger than {question.entries[0].label} is {NOT_RUN}."
    better = {
        name: figure for name, figure in gains.items() if differs_significantly(figure) and (figure.value or 0.0) > 0
    }
    if not better:
        others = ", ".join(labels[name] for name in gains)
        return f"*{question.title}*: {labels[str(question.baseline)]}; not significantly better: {others}."
    name = max(better, key=lambda each: better[each].value or 0.0)
    return (
        f"*{question.title}*: {labels[name]}, {better[name].text(signed=True)} from {labels[str(question.baseline)]},"
        " where its cost can be borne."
    )


def list_taken(plan: StudyPlan, comparisons: Sequence[Result]) -> str:
    """Variants of tier 2 that the plan's rule accepts into the recipe.

    The rule: a gain on the choosing fold above one seed's noise, or whose interval excludes 0, at no cost in serving.
    """
    tier2 = {
        entry.name: entry.label
        for question in plan.questions
        for entry in question.entries
        if question.tier == 2 and question.along == "none" and question.key not in (*SERVING_COSTS, "leak")
    }
    gains = {
        each["one"]: read_difference(each)
        for each in comparisons
        if each["part"] == "choosing" and each["one"] in tier2
    }
    if not gains:
        return f"Tier 2 is {NOT_RUN}: the recipe stays as it is."
    taken = [
        f"**{tier2[name]}** ({figure.text(signed=True)})"
        for name, figure in gains.items()
        if (figure.value or 0.0) > NOISE or (figure.low or 0.0) > 0
    ]
    rule = (
        f"The rule of the plan: a gain over the base on the choosing fold of more than {NOISE} or with an interval"
        " above 0, at no cost when serving."
    )
    if not taken:
        return f"{rule} None of {len(gains)} variants reaches it: the recipe stays as it is."
    return f"{rule} Of {len(gains)} variants it takes {', '.join(taken)}."


def describe_tuning(tuning: Mapping[str, Any]) -> str:
    """The gain of the tuning study over the base configuration, its trial 0."""
    if not tuning or tuning["best"] is None:
        return "Not run."
    trials = tuning["trials"]
    best, base = trials[tuning["best"]], trials[0]
    name = tuning["metric"].replace("_", " ")
    keys = ", ".join(f"`{key}` {value}" for key, value in best["keys"].items())
    text = (
        f"{len(trials)} trials, {tuning['pruned']} of them pruned. Best {name} on the choosing fold:"
        f" {best['value']:.3f} (trial {tuning['best']}{': ' + keys if keys else ''})"
    )
    if base["value"] is not None and tuning["best"] != 0:
        return f"{text}; the base configuration has {base['value']:.3f}, {best['value'] - base['value']:+.3f}."
    return f"{text}." if tuning["best"] else f"{text}, the base configuration itself."


def fill_in_findings(text: str, results: Mapping[str, Result]) -> str:
    """A person's remarks with figures in place of ``{NAME.choosing.METRIC}`` and ``{NAME.test.METRIC}``."""

    def replace(match: re.Match[str]) -> str:
        name, part, metric = match.groups()
        result = results.get(name, {})
        return str(read_figure(result, part, metric)) if result.get(part) else f"({NOT_RUN})"

    return PLACEHOLDER.sub(replace, text)
