"""A reading in a word: its outcome, or how far it is, or that it does not count."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from classifier.models import LesionReading, Prediction, Status


@dataclass(frozen=True, slots=True)
class Verdict:
    """``kind`` is what colour and shape go by, ``word`` what stands beside them.

    ``said`` is the outcome of a reading that does not count any more; it never stands alone.
    """

    kind: str
    word: str
    said: str = ""


def verdict_of(prediction: Prediction | LesionReading | None) -> Verdict:
    """The word for a reading of a photograph, or for one of a lesion that is in force; before there is an outcome, how
    far it is."""
    if prediction is None:
        return Verdict("waiting", _("No reading"))
    if isinstance(prediction, LesionReading):
        return Verdict(prediction.outcome, str(prediction.get_outcome_display()))
    if not prediction.is_valid:
        said = prediction.get_outcome_display() if prediction.outcome else ""
        return Verdict("void", str(prediction.standing.label), str(said))
    if prediction.status == Status.DONE and prediction.outcome:
        return Verdict(prediction.outcome, str(prediction.get_outcome_display()))
    if prediction.status == Status.FAILED:
        return Verdict("failed", _("Failed"))
    return Verdict("waiting", _("Being read") if prediction.status == Status.RUNNING else _("Waiting"))


def verdict_kind(prediction: Prediction) -> str:
    """What the colours of a panel go by: the outcome, else how far the reading is; none where it does not count."""
    return (prediction.outcome or prediction.status) if prediction.is_valid else "void"
