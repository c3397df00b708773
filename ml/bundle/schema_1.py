"""Bundles of the first schema, which had a temperature, thresholds of the malignant sum and four quality flags.

They still load, so that the readings they made can be repeated and stand beside those of a later bundle.
"""

from typing import Any

CERTAIN = 1.0
NOT_USED = "not used by schema 1"
FLAGS = {
    "blurred": ("sharpness", "below", "blurred_below"),
    "dark": ("bright", "below", "dark_below"),
    "overexposed": ("bright", "above", "overexposed_above"),
    "low_contrast": ("contrast", "below", "low_contrast_below"),
}


def upgrade(data: Any) -> Any:
    """Parsed JSON of a schema 1 manifest as schema 2 has it, deciding as before; anything else is given as it is."""
    if not isinstance(data, dict) or data.get("schema_version") != 1:
        return data
    try:
        return _upgrade(data)
    except (KeyError, TypeError, AttributeError):
        return data  # not sound: the reader of the new schema names what is wrong


def _upgrade(old: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in old.items() if key != "temperature"}
    quality = dict(old["quality"])
    flags = [
        {"name": name, "measure": measure, "below": None, "above": None, "share": 0.005} | {side: quality.pop(key)}
        for name, (measure, side, key) in FLAGS.items()
    ]
    return kept | {
        "schema_version": 2,
        "calibration": {
            "temperature": old["temperature"],
            "offsets": [0.0] * len(old["classes"]),
            "how": "temperature alone",
        },
        "thresholds": old["thresholds"] | {"melanoma": {"low_risk_below": CERTAIN, "how": NOT_USED}},
        "operating_points": [],
        "prediction_sets": None,
        "gate": None,
        "quality": quality | {"flags": flags},
        "not_assessable_where": [],
        "limits": {},
    }
