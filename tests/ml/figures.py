"""Figures with their intervals, as tests compare them."""

from collections.abc import Mapping
from typing import Any


def make_figure(value: float | None, low: float | None, high: float | None, n: int = 100) -> dict[str, Any]:
    """A figure as JSON has it."""
    return {"value": value, "low": low, "high": high, "n": n, "how": "bootstrap over lesions"}


def ends(figure: Mapping[str, Any]) -> list[float | None]:
    """Value, low and high of a figure as JSON has it."""
    return [figure["value"], figure["low"], figure["high"]]
