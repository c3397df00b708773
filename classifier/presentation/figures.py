"""The seven bars of a reading, as the page draws them."""

import re
from dataclasses import dataclass, replace

from classifier.models import LesionReading, Prediction
from classifier.presentation import wording
from ml.taxonomy import CLASSES, MALIGNANT

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NEVER_REACHED = 1.0  # the limit of a model that decides by the malignant sum alone


def keep_shares_whole(text: str) -> str:
    """Let no line break inside a share."""
    return re.sub(r" (?=%)|(?<=[<>]) ", NO_BREAK_SPACE, text)


def percent(share: float) -> str:
    """Write a share in whole per cent, so that no line breaks inside it."""
    return keep_shares_whole(wording.percent(share))


def limit_percent(share: float) -> str:
    """Write a limit in whole per cent, a small one with its decimals, so that no line breaks inside it."""
    return keep_shares_whole(wording.limit_percent(share))


def status_text(prediction: Prediction) -> str:
    """Say how far a reading is, or its reason, so that no line breaks inside a share."""
    return keep_shares_whole(wording.status_text(prediction))


def lesion_text(prediction: Prediction) -> str:
    """Say what was measured of the lesion, so that no line begins with a number, a sign or a dot."""
    return re.sub(r" (?=[\d·])", NO_BREAK_SPACE, keep_shares_whole(wording.lesion_text(prediction)))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: ``width`` is an SVG length, ``text`` the share in words."""

    code: str
    name: str
    width: str
    text: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Seven bars in a fixed order, the malignant first, with their sum and the model's two limits on it.

    ``melanoma_limit`` is melanoma's own, which low risk is below too; None for a model that has none.
    ``prediction_set`` names the diagnoses that the model's set for 90 % of lesions holds; empty for a reading without.
    """

    malignant: tuple[Bar, ...]
    other: tuple[Bar, ...]
    total: Bar
    low_risk_below: Bar
    suspicious_from: Bar
    melanoma_limit: Bar | None
    prediction_set: tuple[str, ...]


def bars_of(prediction: Prediction | LesionReading) -> Bars | None:
    """Give the bars of a finished reading of a photograph or a lesion, or None where no probabilities are told."""
    if not prediction.shows_probabilities or prediction.malignant_probability is None:
        return None
    shares = dict(zip(prediction.classes or CLASSES, prediction.probabilities or (), strict=True))
    thresholds = prediction.thresholds or {}
    limits, melanoma = thresholds["malignant"], thresholds.get("melanoma", {}).get("low_risk_below", NEVER_REACHED)
    return Bars(
        malignant=tuple(_bar(code, shares[code]) for code in CLASSES if code in MALIGNANT),
        other=tuple(_bar(code, shares[code]) for code in CLASSES if code not in MALIGNANT),
        total=_bar("", prediction.malignant_probability),
        low_risk_below=_limit(limits["low_risk_below"]),
        suspicious_from=_limit(limits["suspicious_from"]),
        melanoma_limit=_limit(melanoma) if melanoma < NEVER_REACHED else None,
        prediction_set=tuple(wording.class_name(code) for code in prediction.prediction_set or ()),
    )


@dataclass(frozen=True, slots=True)
class CaseCard:
    """A training lesion like the one read: its ``place`` in the strip, diagnosis, and how that was confirmed."""

    place: int
    diagnosis: str
    confirmation: str


def similar_cases_of(prediction: Prediction) -> list[CaseCard]:
    """The cards of a reading's similar cases, the nearest first; none where no probabilities are told."""
    if not prediction.shows_probabilities:
        return []
    return [
        CaseCard(place, wording.class_name(case["diagnosis"]), wording.confirmation_text(case["confirmation"]))
        for place, case in enumerate(prediction.similar_cases or ())
    ]


def _limit(share: float) -> Bar:
    return replace(_bar("", share), text=limit_percent(share))


def _bar(code: str, share: float) -> Bar:
    return Bar(
        code=code, name=wording.class_name(code) if code else "", width=f"{share * 100:.1f}%", text=percent(share)
    )
