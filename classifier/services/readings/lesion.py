"""The reading of a lesion at an examination: made when the last open reading of its photographs has ended."""

import hashlib
import json
from collections import defaultdict
from typing import Any

from django.db.models import F

from classifier import audit, inference
from classifier.models import Examination, LesionReading, Outcome, Prediction, ReadingShown, Status
from classifier.models.lesion_reading import NOT_READ, OTHER_MODEL, SHOWN_BEFORE
from classifier.models.prediction import WAITING
from ml.serve.pool import PHOTOGRAPHS_DISAGREE, Photograph, PooledReading, find_quality, not_below, pool_readings

HEAVY = ("logits", "balanced_scores", "similar_cases", "milliseconds")


def conclude(examination: Examination) -> LesionReading | None:
    """Make the reading that an examination's photographs now give; None while one of them is still to be read.

    Call it inside the transaction that ends a reading, or that takes a photograph in or out. Of two that end at once
    the second sees the first. Without a photograph in use that has been read, none is in force; while one waits, the
    one before stays, if all that it stands on is there still.
    """
    # Not with its reading: what PostgreSQL joins, it would not look up again after having waited for the lock.
    locked = Examination.objects.select_for_update(no_key=True).get(pk=examination.pk)
    latest = _latest_of_each_photograph(locked)
    if any(each.status in WAITING for each in latest):
        if locked.reading is not None and not _stands_still(locked.reading):
            _put_in_force(examination, None)
        return None
    before = locked.reading or LesionReading.objects.filter(examination=locked).order_by("-pk").first()
    made = _make(examination, latest, before) if any(each.status == Status.DONE for each in latest) else None
    if made != locked.reading:
        _put_in_force(examination, made)
    return made


def _put_in_force(examination: Examination, reading: LesionReading | None) -> None:
    Examination.objects.filter(pk=examination.pk).update(reading=reading)
    examination.reading = reading


def _latest_of_each_photograph(examination: Examination) -> list[Prediction]:
    """The reading of each photograph in use as what it is known to be: one that waits, else by the newest model that
    has read any of them, else one that is done, else one that failed."""
    readings = (
        Prediction.objects.filter(image__examination=examination.pk, image__entered_in_error_at=None)
        .filter(modality=F("image__modality"), declared=F("image__declared"))
        .select_related("image")
        .defer(*HEAVY)
        .order_by("pk")
    )
    by_photograph: defaultdict[int, list[Prediction]] = defaultdict(list)
    models = [each.model_version_id for each in readings if each.status == Status.DONE and each.model_version_id]
    for each in readings:
        by_photograph[each.image_id].append(each)
    return [_choose(each, models[-1] if models else None) for each in by_photograph.values()]


def _choose(readings: list[Prediction], model: int | None) -> Prediction:
    """One photograph's reading: the last of those that wait, else of those by the model, of those done, of any."""
    waiting = [each for each in readings if each.status in WAITING]
    done = [each for each in readings if each.status == Status.DONE]
    by_model = [each for each in done if each.model_version_id in (model, None)]
    return (waiting or by_model or done or readings)[-1]


def _make(examination: Examination, latest: list[Prediction], before: LesionReading | None) -> LesionReading:
    """Write the reading, or give the one that these same readings have given already."""
    done = [each for each in latest if each.status == Status.DONE]
    run = [each for each in done if each.model_version_id]
    model = max(run, key=lambda each: each.pk, default=None)
    pooled = None if model is None else _pool([each for each in run if each.model_version_id == model.model_version_id])
    inputs = [_describe(each, pooled) for each in sorted(latest, key=lambda each: each.pk)]
    fields = _of_none(done) if model is None or pooled is None else _of_pool(pooled, model)
    if model is not None:
        fields |= _heed_other_models(fields, [each for each in run if each.model_version_id != model.model_version_id])
    fields |= _keep_what_was_shown(str(fields["outcome"]), before, examination)
    told = json.dumps([inputs, fields.get("kept_from", "")], sort_keys=True)
    fields["inputs_sha256"] = hashlib.sha256(told.encode()).hexdigest()
    model_version_id = None if model is None else model.model_version_id
    same = LesionReading.objects.filter(
        examination=examination.pk, model_version=model_version_id, inputs_sha256=fields["inputs_sha256"]
    ).first()
    if same is not None:
        return same
    made = LesionReading.objects.create(
        examination=examination, model_version_id=model_version_id, inputs=inputs, **fields
    )
    audit.lesion_reading_made(about=made, clinic=examination.lesion.patient.clinic, photographs=len(latest))
    return made


def _pool(readings: list[Prediction]) -> PooledReading:
    """Take readings by one model together."""
    manifest = inference.manifest_of(readings[0].bundle_sha256)
    photographs = [
        Photograph(
            key=str(each.public_id),
            probabilities=each.probabilities,
            outcome=str(each.outcome),
            reason=each.reason,
            quality=find_quality(each.measures, manifest),
            embedding=each.signature,
        )
        for each in readings
    ]
    return pool_readings(photographs, manifest)


def _describe(prediction: Prediction, pooled: PooledReading | None) -> dict[str, Any]:
    """What a lesion reading keeps of one photograph's."""
    key = str(prediction.public_id)
    if pooled is not None and key in pooled.weights:
        return {"prediction": key, "weight": pooled.weights[key], "left_out": ""}
    left_out = {} if pooled is None else pooled.left_out
    own = prediction.reason if prediction.model_version_id is None else OTHER_MODEL
    return {
        "prediction": key,
        "weight": 0.0,
        "left_out": NOT_READ if prediction.status == Status.FAILED else left_out.get(key, own),
    }


def _of_none(done: list[Prediction]) -> dict[str, Any]:
    """The fields where no photograph was run: clinical ones alone."""
    return {"outcome": Outcome.NOT_ASSESSABLE, "reason": done[-1].reason}


def _of_pool(pooled: PooledReading, model: Prediction) -> dict[str, Any]:
    """The fields of a pool of readings by one model, one of which is ``model``."""
    photographs = dict(
        Prediction.objects.filter(public_id__in=pooled.named).values_list("public_id", "image__public_id")
        if pooled.named
        else ()
    )
    probabilities = pooled.probabilities
    return {
        "outcome": pooled.outcome,
        "reason": pooled.reason,
        "named": sorted(map(str, photographs.values())),
        "bundle_sha256": model.bundle_sha256,
        "probabilities": None if probabilities is None else list(probabilities),
        "malignant_probability": pooled.malignant_probability,
        "classes": model.classes,
        "thresholds": model.thresholds,
        "prediction_set": pooled.prediction_set,
    }


def _heed_other_models(fields: dict[str, Any], others: list[Prediction]) -> dict[str, Any]:
    """At least *refer: uncertain* where another model alone has read a photograph and did not call it *low risk*: its
    reading is not taken together with these, and not passed over either."""
    doubtful = [each for each in others if each.outcome in (Outcome.SUSPICIOUS, Outcome.REFER_UNCERTAIN)]
    if not doubtful or fields["outcome"] in (Outcome.SUSPICIOUS, Outcome.REFER_UNCERTAIN):
        return {}
    named = sorted(str(each.image.public_id) for each in doubtful)
    return {"outcome": Outcome.REFER_UNCERTAIN, "reason": PHOTOGRAPHS_DISAGREE, "named": named}


def _keep_what_was_shown(outcome: str, before: LesionReading | None, examination: Examination) -> dict[str, Any]:
    """The outcome that photographs added since it was shown would lower: only a person ends it.

    Where one that it stood on was withdrawn, or turned out to be something else, it may be lowered.
    """
    if before is None or not_below(outcome, before.outcome) == outcome:
        return {}
    if not ReadingShown.objects.filter(examination=examination.pk).exists():
        return {}
    if not _stands_still(_first_to_say(before)):
        return {}
    return {"outcome": before.outcome, "reason": SHOWN_BEFORE, "kept_from": before.kept_from or before.outcome}


def _first_to_say(reading: LesionReading) -> LesionReading:
    """The reading whose outcome this one keeps: what was added since may go without lowering it."""
    earlier = LesionReading.objects.filter(examination=reading.examination_id, pk__lt=reading.pk, kept_from="")
    return (reading.kept_from and earlier.filter(outcome=reading.outcome).order_by("-pk").first()) or reading


def _stands_still(reading: LesionReading) -> bool:
    """Whether every photograph that a reading stands on is in its examination still, and what it was known to be."""
    read = [each["prediction"] for each in reading.inputs if each["left_out"] != NOT_READ]
    there_still = Prediction.objects.filter(
        public_id__in=read,
        image__examination=reading.examination_id,
        image__entered_in_error_at=None,
        modality=F("image__modality"),
        declared=F("image__declared"),
    )
    return there_still.count() == len(read)
