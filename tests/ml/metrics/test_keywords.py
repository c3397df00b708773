"""No two arrays of a metric can change places unseen: they are taken by name."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

import numpy as np
import numpy.typing as npt

from ml import metrics
from ml.metrics.estimate import Estimate

Array = npt.NDArray[np.float64]


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every function that a module of ``ml.metrics`` gives, with its full name."""
    for found in pkgutil.iter_modules(metrics.__path__, f"{metrics.__name__}."):
        for name, value in vars(importlib.import_module(found.name)).items():
            if inspect.isfunction(value) and value.__module__ == found.name and not name.startswith("_"):
                yield f"{found.name}.{name}", value


def holds_numbers(annotation: Any) -> bool:
    """Whether a parameter is an array or an estimate, or holds some."""
    if annotation is Estimate or get_origin(annotation) is np.ndarray:
        return True
    return any(map(holds_numbers, get_args(annotation)))


def swappable(function: Callable[..., Any]) -> list[str]:
    """The parameters of numbers that are taken by position, where there are two or more of them."""
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    numbers = [each for each in parameters if holds_numbers(each.annotation)]
    return [each.name for each in numbers if each.kind != each.KEYWORD_ONLY] if len(numbers) > 1 else []


def test_no_metric_takes_one_of_several_arrays_by_position() -> None:
    functions = dict(public_functions())
    assert len(functions) > 25
    assert {name: found for name, function in functions.items() if (found := swappable(function))} == {}


def test_a_metric_that_takes_arrays_by_position_is_found() -> None:
    def metric(labels: Array, scores: Mapping[str, Array | None], *, weights: Array) -> None: ...

    def of_one(scores: Array, classes: int) -> None: ...

    def by_name(*, labels: Array, scores: Array) -> None: ...

    assert (swappable(metric), swappable(of_one), swappable(by_name)) == (["labels", "scores"], [], [])
