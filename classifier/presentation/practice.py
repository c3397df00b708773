"""What *suspicious* means where malignant lesions are rarer, or less rare, than a model was calibrated to."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from classifier.presentation.figures import keep_shares_whole
from classifier.presentation.wording import percent, percent_with_tenths
from ml.metrics.decision_curve import malignant_of_flagged
from ml.metrics.estimate import Estimate
from ml.taxonomy import MALIGNANT_INDICES

FOLD = "test"
SENSITIVITY, SPECIFICITY = "sensitivity_suspicious", "specificity_not_suspicious"


def practice_sentence(manifest: Mapping[str, Any], malignant_percent: Decimal) -> str:
    """Say how many of the lesions called suspicious are malignant at a clinic's own share of malignant ones.

    It is about all of them together and never about one: it stands on the card, not beside a reading. Empty where the
    manifest holds no test of what the model calls suspicious.
    """
    measured = manifest.get("metrics", {}).get(FOLD, {}).get("metrics", {})
    if SENSITIVITY not in measured or SPECIFICITY not in measured:
        return ""
    prevalence = float(malignant_percent) / 100
    sensitivity, specificity = (Estimate.from_json(measured[name]) for name in (SENSITIVITY, SPECIFICITY))
    found = malignant_of_flagged(sensitivity=sensitivity, specificity=specificity, prevalence=prevalence)
    ends = {"value": found.value, "low": found.low, "high": found.high}
    if None in ends.values():
        return ""
    counts = {name: _write_count(100 * (share or 0)) for name, share in ends.items()}
    text = _(
        "Where %(share)s of lesions are malignant, as set for this clinic, about %(value)s of 100 called suspicious, "
        "all taken together, are malignant (%(low)s to %(high)s by the test's 95 %% intervals); the probabilities are "
        "calibrated to %(calibrated)s. This says nothing of a single lesion."
    )
    words = {
        "share": percent(prevalence) if malignant_percent % 1 == 0 else percent_with_tenths(prevalence),
        "calibrated": percent(_calibrated_share(manifest)),
        **counts,
    }
    return keep_shares_whole(text % words)


def _write_count(count: float) -> str:
    """So many of a hundred; less than one with a decimal, since none would be wrong."""
    places = 1 if count < 1 else 0
    return number_format(round(count, places), decimal_pos=places)


def _calibrated_share(manifest: Mapping[str, Any]) -> float:
    """The share of malignant lesions that a model's probabilities are calibrated to."""
    frequencies = manifest["target_prior"]["frequencies"]
    return float(sum(frequencies[index] for index in MALIGNANT_INDICES))
