"""Readings that are asked for and wait: read here, or handed to the workers, once more where a message was lost."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from classifier import inference, policies
from classifier.models import Examination, LesionImage, Modality, ModelStatus, ModelVersion, Prediction, Status
from classifier.models.prediction import WAITING
from classifier.services.locks import lock_clinic
from classifier.services.readings import handover, states
from classifier.services.readings.run import run_prediction
from classifier.services.readings.states import waiting
from skinsite.accounts.actors import Actor
from skinsite.platform import tasks
from skinsite.platform.problems import WrongStateError

log = logging.getLogger(__name__)

CELERY = "celery"
# A worker that has taken a message claims its reading within this time, unless it has died.
SECONDS_TO_CLAIM = 60

Progress = Callable[[list[int]], Iterable[int]]


@dataclass(frozen=True, slots=True)
class QueueReport:
    """What became of the readings that waited: how many are done, have failed, and wait still."""

    done: int
    failed: int
    waiting: int


def queue_prediction(*, actor: Actor | None, image: LesionImage) -> Prediction:
    """Ask for a reading of a photograph by the active model; gives the one that there is, if any."""
    policies.require(policies.may_correct(actor, image))
    if image.entered_in_error_at is not None:
        message = _("This photograph was marked as entered in error; it is not read again.")
        raise WrongStateError(message, code="entered_in_error")
    with transaction.atomic():
        prediction = find_or_create(actor=actor, image=image)
    return start(prediction)


def retry_prediction(*, actor: Actor | None, prediction: Prediction) -> Prediction:
    """Ask anew: a reading that failed stays and gets a successor; one that waits, or whose worker died, goes on.

    Raises ``WrongStateError`` for one that is done.
    """
    policies.require(policies.may_correct(actor, prediction.image))
    if prediction.status == Status.DONE:
        raise WrongStateError(_("This reading is done; only one that failed or waits can be tried again."), code="done")
    if prediction.status == Status.FAILED:
        return queue_prediction(actor=actor, image=prediction.image)
    inference.forget_failures()
    if settings.PREDICTION_MODE == CELERY:
        handover.submit(prediction.pk)
        return states.load(prediction.pk)
    return run_prediction(prediction_id=prediction.pk)


def find_or_create(*, actor: Actor | None, image: LesionImage) -> Prediction:
    """Give a photograph's reading by the active model, a new one unless there is one; ``start`` it after the commit."""
    lock_clinic(image.lesion.patient.clinic)
    return _find_usable(image) or states.create(actor=actor, image=image)


def ask_by_active_model(*, actor: Actor | None, examination: Examination, but: LesionImage) -> list[Prediction]:
    """New readings of an examination's photographs that other models alone have read; ``start`` them after the commit.

    Call it inside a transaction. What is read by several models is not taken together.
    """
    active = ModelVersion.objects.filter(status=ModelStatus.ACTIVE).first()
    if active is None:
        return []
    is_answer = Q(status__in=WAITING) | Q(status=Status.DONE, model_version=active)
    answers = Prediction.objects.filter(is_answer, image=OuterRef("pk"), modality=OuterRef("modality"))
    others = LesionImage.objects.in_use().filter(examination=examination, modality=Modality.DERMOSCOPIC)
    stale = others.exclude(pk=but.pk).filter(~Exists(answers.filter(declared=OuterRef("declared"))))
    return [
        states.create(actor=actor, image=image)
        for image in stale.select_related("examination__lesion__patient__clinic", "examination__visit")
    ]


def start(prediction: Prediction) -> Prediction:
    """Run a queued reading here, or hand it to a worker once it is committed, as PREDICTION_MODE says.

    While no bundle can be used it says so and waits for ``process_queue``.
    """
    if prediction.status != Status.QUEUED:
        return prediction
    if settings.PREDICTION_MODE != CELERY:
        return run_prediction(prediction_id=prediction.pk)
    if missing := inference.availability():
        states.wait(prediction, missing)
    else:
        transaction.on_commit(lambda: handover.submit(prediction.pk))
    return states.load(prediction.pk)


def find_reader(modality: str) -> inference.LoadedModel | None:
    """Give the model by which this process reads a new photograph at once.

    None where a worker does, where there is nothing to read, and while no bundle can be used: then ``start`` it.
    """
    if settings.PREDICTION_MODE == CELERY or modality == Modality.CLINICAL:
        return None
    try:
        return inference.active_predictor()
    except inference.NoUsableModelError:
        return None


def process_queue(*, progress: Progress = iter, seconds: float | None = None) -> QueueReport:
    """Read what waits, or in Celery mode hand it to the workers; ``progress`` wraps the list of their keys.

    Stops after ``seconds``, if given, and when nothing can be read now.
    """
    inference.forget_failures()
    ends = None if seconds is None else time.monotonic() + seconds
    ended: Counter[str] = Counter()
    for prediction_id in waiting().filter(attempts__gte=settings.PREDICTION_MAX_ATTEMPTS).values_list("pk", flat=True):
        ended[run_prediction(prediction_id=prediction_id).status] += 1  # it ends, whatever can be read now
    if inference.availability() is not None:
        return QueueReport(done=ended[Status.DONE], failed=ended[Status.FAILED], waiting=waiting().count())
    if settings.PREDICTION_MODE == CELERY:
        _submit_what_no_worker_knows(progress)
    else:
        for prediction_id in progress(list(waiting().values_list("pk", flat=True))):
            if ends is not None and time.monotonic() > ends:
                break
            ended[run_prediction(prediction_id=prediction_id).status] += 1
    return QueueReport(done=ended[Status.DONE], failed=ended[Status.FAILED], waiting=waiting().count())


def _submit_what_no_worker_knows(progress: Progress) -> None:
    """Submit what was never handed over, or got lost; stop at the first that the broker does not take."""
    handover.ask_again_at_once()
    known = ~Q(submitted_at=None) & Q(waiting_for="") & ~Q(status=Status.RUNNING, submitted_at__lt=F("started_at"))
    missing = {*waiting().exclude(known).values_list("pk", flat=True), *_lost(known)}
    for prediction_id in progress([key for key in waiting().values_list("pk", flat=True) if key in missing]):
        if not handover.submit(prediction_id):
            return


def _find_usable(image: LesionImage) -> Prediction | None:
    """Give the reading that a new one would repeat: an open one, or a finished one by the active model."""
    same = Prediction.objects.as_known(image).exclude(status=Status.FAILED)
    active = ModelVersion.objects.filter(status=ModelStatus.ACTIVE)
    answer = Q(model_version=None) if image.modality == Modality.CLINICAL else Q(model_version__in=active)
    is_open = Q(status__in=WAITING)
    return same.filter(is_open | answer).order_by("-created_at", "-pk").first()


def _lost(known: Q) -> set[int]:
    """Readings whose message was taken long ago by a worker that never claimed them, or was lost by the broker.

    Messages are taken in the order in which they were sent: of ``n`` that lie in the queue none is older than the ``n``
    last submitted.
    """
    try:
        untaken = tasks.count_messages(settings.READINGS_QUEUE)
    except Exception as error:  # noqa: BLE001 whatever the broker's client raises: nothing can be handed over now
        log.warning("The broker does not tell what lies in its queue (%s)", error)
        return set()
    taken = waiting().filter(known).order_by("-submitted_at", "-pk").values_list("pk", flat=True)[untaken:]
    long_ago = Now() - timedelta(seconds=SECONDS_TO_CLAIM)
    return set(taken) & set(waiting().filter(submitted_at__lt=long_ago).values_list("pk", flat=True))
