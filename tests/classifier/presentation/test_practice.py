"""What suspicious means at a clinic's own share of malignant lesions."""

from decimal import Decimal

import pytest
from django.utils import translation

from classifier.presentation.practice import practice_sentence

MANIFEST = {
    "metrics": {
        "test": {
            "fold": "test",
            "images": 1197,
            "lesions": 896,
            "metrics": {
                "sensitivity_suspicious": {"value": 0.9356, "low": 0.8897, "high": 0.9745},
                "specificity_not_suspicious": {"value": 0.7541, "low": 0.7188, "high": 0.7878},
            },
        }
    },
    "target_prior": {"frequencies": [0.1, 0.7, 0.05, 0.05, 0.08, 0.01, 0.01]},
}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        # 30 of 1,000: 28.07 flagged rightly, 238.5 wrongly; 26.7 to 29.2 and 272.8 to 205.8 at the ends.
        ("3", "Where 3\xa0% of lesions are malignant, as set for this clinic, about 11 of 100 called suspicious, "),
        ("3", "(9 to 12 by the test's 95\xa0% intervals); the probabilities are calibrated to 20\xa0%."),
        ("50", "Where 50\xa0% of lesions are malignant, as set for this clinic, about 79 of 100"),
        ("2.5", "Where 2.5\xa0% of lesions are malignant, as set for this clinic, about 9 of 100"),
        ("0.1", "Where 0.1\xa0% of lesions are malignant, as set for this clinic, about 0.4 of 100"),
    ],
)
def test_the_share_of_the_clinic_gives_how_many_suspicious_lesions_are_malignant(share: str, words: str) -> None:
    assert words in practice_sentence(MANIFEST, Decimal(share))


def test_it_is_said_in_russian_with_a_decimal_comma() -> None:
    with translation.override("ru"):
        assert "2,5\xa0%" in practice_sentence(MANIFEST, Decimal("2.5"))


def test_nothing_is_said_without_a_test() -> None:
    assert practice_sentence({}, Decimal(3)) == ""
