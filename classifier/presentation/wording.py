"""Every code that the domain keeps, in calm plain words: what pages, the API and the admin say."""

from collections.abc import Callable, Iterable, Mapping

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from classifier.models import Declared, Diagnosis, Lesion, LesionReading, Outcome, Patient, Prediction, Sex, Status
from ml.bundle.activation_doubts import DOUBTS, Doubt
from ml.serve.image_io import MESSAGES, ImageRejected
from ml.taxonomy import DECISIONS

VOID_SENTENCE = gettext_lazy("This reading does not count any more.")
SAFETY_SENTENCE = gettext_lazy(
    "Decision support for research use. It is not a diagnosis, and no reading means that a lesion is safe to ignore."
)
SEVEN_SENTENCE = gettext_lazy("The network knows these seven diagnoses; others exist, and it cannot name them.")
SIMILAR_SENTENCE = gettext_lazy(
    "Lesions of the training set that look alike to the network. They do not tell what this lesion is."
)
LESION_SENTENCE = gettext_lazy(
    "Area and asymmetry are measured in the picture, on the lesion as the network outlines it, not in millimetres; "
    "compare them only between photographs taken at the same magnification; asymmetry, a rough estimate, "
    "goes from 0 (symmetric) to 1."
)
HEAT_MAP_SENTENCE = gettext_lazy("Where the network looked; not evidence.")

BUSY_SENTENCE = gettext_lazy(
    "Other large photographs are being read, so this one was not kept. Send it again in a minute."
)

CONFIRMATIONS: dict[str, str | Promise] = {
    "histo": gettext_lazy("histopathology"),
    "confocal": gettext_lazy("confocal microscopy"),
    "follow_up": gettext_lazy("no change on follow-up"),
    "consensus": gettext_lazy("expert consensus"),
    "unknown": gettext_lazy("not known how"),
}

REASONS: dict[str, str | Promise] = {
    "below_low_risk_threshold": gettext_lazy(
        "Malignant sum %(malignant)s, below the model's low-risk threshold of %(low)s."
    ),
    "above_suspicious_threshold": gettext_lazy(
        "Malignant sum %(malignant)s, above the model's referral threshold of %(high)s."
    ),
    "between_thresholds": gettext_lazy(
        "Malignant sum %(malignant)s, between the model's thresholds of %(low)s and %(high)s: it does not decide."
    ),
    "melanoma_not_excluded": gettext_lazy(
        "Malignant sum %(malignant)s, below the model's threshold of %(low)s; but melanoma alone is not below its own "
        "of %(melanoma)s: it does not decide."
    ),
    "blank_frame": gettext_lazy("The photograph is nearly one colour: there is nothing to read. Take it again."),
    "without_colour": gettext_lazy(
        "This photograph has hardly any colour, or all of it one tint; the network has learnt colour photographs. Take "
        "it again in colour."
    ),
    "altered": gettext_lazy(
        "The colours or the texture of this photograph are unlike any that the network has learnt: perhaps a filter, a "
        "print, a screen or the white balance. Take it again without."
    ),
    "clinical_photograph": gettext_lazy(
        "This is a clinical photograph. It is kept; the network has learnt dermoscopic photographs only."
    ),
    "not_skin_lesion": gettext_lazy(
        "This photograph is unlike what the network has learnt: dermoscopic photographs of skin lesions."
    ),
    "unlike_training": gettext_lazy(
        "This photograph is unlike what the network has learnt, though it looks dermoscopic."
    ),
    "nail": gettext_lazy("The network has learnt no lesions of nails."),
    "mucosa": gettext_lazy("The network has learnt no lesions of mucosa."),
    "eyelid": gettext_lazy("The network has learnt no lesions of eyelids."),
    "ulcer": gettext_lazy("The network has learnt no ulcers."),
    "tattoo": gettext_lazy("The network has learnt no lesions in tattoos."),
}

RECOGNISED_CLINICAL = gettext_lazy(
    "To the network this looks like a clinical photograph, which is unlike what it has learnt: dermoscopic ones."
)

# What to do where a photograph was not read.
NOT_READ = gettext_lazy("The network did not read it. Judge it clinically; this says nothing about risk.")
NOT_READ_YET_REFERRED = gettext_lazy(
    "The network does not decide, but what it made of it may be a malignant lesion: judge it clinically, whatever "
    "another photograph may show."
)

# Where a sum and its limit are alike even to a tenth of a per cent: by the reason, and the limits that are alike.
CLOSE_REASONS: dict[tuple[str, ...], str | Promise] = {
    ("below_low_risk_threshold", "low"): gettext_lazy(
        "Malignant sum %(malignant)s, just below the model's low-risk threshold of %(low)s."
    ),
    ("above_suspicious_threshold", "high"): gettext_lazy(
        "Malignant sum %(malignant)s, at or just above the model's referral threshold of %(high)s."
    ),
    ("between_thresholds", "low"): gettext_lazy(
        "Malignant sum %(malignant)s, at or just above the model's threshold of %(low)s and below that of %(high)s: "
        "it does not decide."
    ),
    ("between_thresholds", "high"): gettext_lazy(
        "Malignant sum %(malignant)s, just below the model's threshold of %(high)s and above that of %(low)s: "
        "it does not decide."
    ),
    ("between_thresholds", "low", "high"): gettext_lazy(
        "Malignant sum %(malignant)s, at or just above the model's threshold of %(low)s and just below that of "
        "%(high)s: it does not decide."
    ),
    ("melanoma_not_excluded", "low"): gettext_lazy(
        "Malignant sum %(malignant)s, just below the model's threshold of %(low)s; but melanoma alone is not below its "
        "own of %(melanoma)s: it does not decide."
    ),
}
COMPARED = {
    "below_low_risk_threshold": ("low",),
    "above_suspicious_threshold": ("high",),
    "between_thresholds": ("low", "high"),
    "melanoma_not_excluded": ("low",),
}

FLAGS: dict[str, str | Promise] = {
    "blurred": gettext_lazy("Out of focus: hold still, focus again."),
    "dark": gettext_lazy("Dark: use more light."),
    "overexposed": gettext_lazy("Overexposed: parts of the photograph are white; use less light."),
    "low_contrast": gettext_lazy("Little contrast: clean the lens and check the light."),
    "small": gettext_lazy("Few pixels: send the original photograph, not a copy made smaller."),
    "lesion_cut_off": gettext_lazy("The lesion may be cut off: take all of it, with some skin around it."),
    "hair": gettext_lazy("Hair: part or clip it, or press it flat with gel."),
}

# Raised by earlier models and kept with their readings.
WITHDRAWN_FLAGS = ("ink", "ruler", "lesion_tiny")

WAITING: dict[str, str | Promise] = {
    "": gettext_lazy("Queued."),
    "no_model": gettext_lazy(
        "Readings are unavailable: no model is in service. The photograph is kept, and will be read once there is one."
    ),
    "bundle_missing": gettext_lazy(
        "Readings are unavailable: the model's files are missing. The photograph is kept, and will be read later."
    ),
    "bundle_corrupt": gettext_lazy(
        "Readings are unavailable: the model's files are damaged. The photograph is kept, and will be read later."
    ),
    "broker": gettext_lazy("The queue does not answer. The photograph is kept, and will be read once it does."),
    "storage": gettext_lazy("The image storage does not answer. The reading will be made once it does."),
}

FAILURES: dict[str, str | Promise] = {
    "attempts_exhausted": gettext_lazy(
        "The reading was begun %(attempts)s times and never ended. The photograph is kept; try again or tell support."
    ),
    "timed_out": gettext_lazy("The reading took too long and was stopped. The photograph is kept; try again."),
    "stored_image_missing": gettext_lazy("The stored photograph is missing. Upload it again, and tell support."),
    "stored_image_changed": gettext_lazy(
        "The stored photograph is not the one that was uploaded, so it was not read. Upload it again, and tell support."
    ),
    "already_read": gettext_lazy("This model has read this photograph already; see its other reading."),
    "not_finite": gettext_lazy("The network gave no numbers for this photograph. It is kept; tell support."),
    "crashed": gettext_lazy("The reading failed (%(detail)s). The photograph is kept; try again, or ask support."),
}


def doubt_text(doubt: Doubt) -> str:
    """Why a network should not read without a reason given, with its figure and the limit."""
    values = {name: value if isinstance(value, str) else number_format(value) for name, value in doubt.values.items()}
    return _(DOUBTS[doubt.code]) % values


def percent(share: float) -> str:
    """A share from 0 to 1 in whole per cent; what would round to nothing, or to all, says so."""
    if 0 < share < 0.01:  # noqa: PLR2004 one per cent
        return _("< 1 %")
    if 0.99 < share < 1:  # noqa: PLR2004 99 per cent
        return _("> 99 %")
    return _("%(number)s %%") % {"number": round(share * 100)}


def limit_percent(share: float) -> str:
    """A limit from 0 to 1 in whole per cent, below 2 % with two digits that count: 1.5 % is not 2 %."""
    if share >= 0.02:  # noqa: PLR2004 two per cent
        return percent(share)
    return _("%(number)s %%") % {"number": number_format(f"{share * 100:.2g}")}


def percent_with_tenths(share: float) -> str:
    """A share from 0 to 1 in per cent with one decimal: for a limit of one or two, and for shares that whole ones would
    not tell apart."""
    return _("%(number)s %%") % {"number": number_format(round(share * 100, 1), decimal_pos=1)}


def rejection_text(error: ImageRejected) -> str:
    """Why an upload was refused, the limit, and what to do."""
    return _(MESSAGES[error.code]) % error.params


def unknown_choice_text(value: str, known: Iterable[str]) -> str:
    """That a value is none of those that a field takes, and which those are."""
    return _("“%(value)s” is not known; use one of: %(known)s.") % {"value": value[:40], "known": ", ".join(known)}


def reason_text(prediction: Prediction) -> str:
    """On why the outcome is what it is, in a sentence, and on what to do where it was not read; empty until there is
    one."""
    if not prediction.reason:
        return ""
    if prediction.reason not in DECISIONS:
        return _refusal_text(prediction)
    return decision_text(prediction)


def decision_text(reading: Prediction | LesionReading) -> str:
    """Where the malignant sum of a photograph, or of a lesion, lies beside the limits; its reason is one of
    ``ml.taxonomy.DECISIONS``."""
    text = REASONS[reading.reason]
    thresholds = reading.thresholds or {}
    limits = thresholds.get("malignant", {})
    shares = {
        "malignant": reading.malignant_probability or 0,
        "low": limits.get("low_risk_below", 0),
        "high": limits.get("suspicious_from", 0),
    }
    melanoma = limit_percent(thresholds.get("melanoma", {}).get("low_risk_below", 0))
    compared = COMPARED[reading.reason]
    for write, write_limit in ((percent, limit_percent), (limit_percent, limit_percent), (percent_with_tenths,) * 2):
        words = {name: write_limit(share) for name, share in shares.items()}
        words |= {"malignant": write(shares["malignant"]), "melanoma": melanoma}
        if all(_tells_apart(write, words, shares, name) for name in compared):
            return str(text) % words
    alike = [name for name in compared if words[name] == words["malignant"]]
    return str(CLOSE_REASONS[reading.reason, *alike]) % words


def _tells_apart(
    write: Callable[[float], str], words: Mapping[str, str], shares: Mapping[str, float], limit: str
) -> bool:
    """Whether a sum and a limit are not alike in words, nor written to unlike places: 2 % beside a limit of 1.5 %."""
    return words[limit] != words["malignant"] and (write is not percent or words[limit] == percent(shares[limit]))


def _refusal_text(prediction: Prediction) -> str:
    """Why a photograph was not read, and what to do; also for a reason that a model of later make gives."""
    is_recognised = prediction.reason == "clinical_photograph" and prediction.logits is not None  # not declared
    why = RECOGNISED_CLINICAL if is_recognised else REASONS.get(prediction.reason, prediction.reason)
    is_referred = prediction.outcome == Outcome.REFER_UNCERTAIN
    return f"{why} {NOT_READ_YET_REFERRED if is_referred else NOT_READ}"


def flag_text(code: str) -> str:
    """What a quality flag says, and what to do about it; also for one that a bundle of later make raises."""
    if code in WITHDRAWN_FLAGS:
        return _("Flagged as %(code)s by an earlier model: disregard it, it was often wrong.") % {"code": code}
    known = FLAGS.get(code)
    return _("Flagged as %(code)s: see the model card.") % {"code": code} if known is None else str(known)


def lesion_text(prediction: Prediction) -> str:
    """What was measured of the lesion in the picture, in a line; empty where nothing was."""
    measures = prediction.lesion_measures
    if measures is None:
        return ""
    if not measures["area"]:
        return _("No lesion made out in the picture")
    parts = [_("Covers %(share)s of the picture") % {"share": percent(measures["area"])}]
    if measures["at_edge"]:
        parts.append(_("touches %(share)s of its edge") % {"share": percent(measures["at_edge"])})
    asymmetry = number_format(round(measures["asymmetry"], 2), decimal_pos=2)
    return " · ".join([*parts, _("asymmetry %(number)s") % {"number": asymmetry}])


def declared_text(codes: Iterable[str]) -> str:
    """What was declared of a lesion, in a line; empty for nothing."""
    return ", ".join(str(Declared(code).label) if code in Declared.values else code for code in codes)


def lesion_title(lesion: Lesion) -> str:
    """Which of a patient's lesions it is: its site, and its label where it has one."""
    site = str(lesion.get_body_site_display())
    return f"{site}, {lesion.label}" if lesion.label else site


def sex_and_age(patient: Patient) -> str:
    """Sex and year of birth, as far as they are known."""
    sex = "" if patient.sex == Sex.UNKNOWN else str(patient.get_sex_display())
    born = _("born %(year)s") % {"year": patient.birth_year} if patient.birth_year else ""
    return ", ".join(filter(None, [sex, born]))


def waiting_text(code: str) -> str:
    """What a queued reading waits for."""
    return str(WAITING.get(code, code))


def failure_text(prediction: Prediction) -> str:
    """Why a reading failed and what to do; empty for one that did not."""
    code, _colon, detail = prediction.failure.partition(": ")
    text = FAILURES.get(code)
    return prediction.failure if text is None else str(text) % {"attempts": prediction.attempts, "detail": detail}


def class_name(code: str) -> str:
    """The name of one of the seven classes, or of another opinion."""
    return str(Diagnosis(code).label) if code in Diagnosis.values else code


def confirmation_text(code: str) -> str:
    """How the diagnosis of a training lesion was confirmed."""
    return str(CONFIRMATIONS.get(code, code))


def status_text(prediction: Prediction) -> str:
    """How far a reading is, in one sentence; for a finished one its reason."""
    if prediction.status == Status.DONE:
        return reason_text(prediction)
    if prediction.status == Status.FAILED:
        return failure_text(prediction)
    if prediction.status == Status.RUNNING:
        return _("It is being read.")
    return waiting_text(prediction.waiting_for)


def outcome_text(code: str | None) -> str:
    """The word for an outcome; empty before there is one."""
    return str(Outcome(code).label) if code in Outcome.values else ""
