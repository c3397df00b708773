"""Whether readings can be made, and are."""

from datetime import timedelta

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now
from django.utils import timezone

from classifier import inference
from classifier.services.readings.queue import CELERY
from classifier.services.readings.states import waiting
from skinsite.audit.models import AuditEvent, EventKind
from skinsite.health import CheckResult, register_check

LONGEST_WAIT = timedelta(minutes=10)
TOLD_FOR = timedelta(days=30)
NAMED = 5  # photographs, of those that were found altered

REMEDIES = {
    "no_model": "Run `python manage.py register_model PATH --activate`.",
    "bundle_missing": "MODEL_STORE lacks the bundle: run `python manage.py register_model PATH --activate` again.",
    "bundle_corrupt": "The bundle does not verify: run `python manage.py register_model PATH --activate` again.",
}


# Uploads are kept without a bundle, and read later: the service takes requests.
@register_check("bundle", needed_for_ready=False, needs="database")
def check_bundle() -> CheckResult:
    """The active bundle verifies and passes its self-test."""
    try:
        loaded = inference.active_predictor()
    except inference.NoUsableModelError as error:
        detail = "no model is active" if error.code == "no_model" else str(error)
        return CheckResult(ok=False, detail=detail, remedy=REMEDIES[error.code])
    return CheckResult(ok=True, detail=str(loaded.model_version))


@register_check("photographs", needed_for_ready=False, needs="database")
def check_altered() -> CheckResult:
    """No photograph was found altered in the last month; all of them are looked at by `doctor --photographs`."""
    since = timezone.now() - TOLD_FOR
    events = AuditEvent.objects.filter(at__gte=since, kind=EventKind.CHANGE, action="image.found_altered")
    found = sorted(set(events.values_list("object_id", flat=True)))
    detail = f"found exchanged or damaged: {', '.join(found[:NAMED])}" if found else "none was found altered"
    remedy = "Restore them from a backup; `manage.py doctor --photographs` compares all with their hashes."
    return CheckResult(ok=not found, detail=detail, remedy=remedy)


@register_check("queue", needed_for_ready=False, needs="database")
def check_queue() -> CheckResult:
    """Nobody waits long for a reading."""
    age = ExpressionWrapper(Now() - F("created_at"), output_field=DurationField())
    oldest = waiting().annotate(age=age).first()
    if oldest is None:
        return CheckResult(ok=True, detail="nothing waits")
    minutes = oldest.age.total_seconds() / 60
    detail = f"{waiting().count()} waiting, the oldest for {minutes:.0f} min"
    detail += f" ({oldest.waiting_for})" if oldest.waiting_for else ""
    remedy = (
        "Mend what else is wrong here; with all well, start more workers."
        if settings.PREDICTION_MODE == CELERY
        else "Let cron run `python manage.py process_queue` every few minutes."
    )
    return CheckResult(ok=oldest.age <= LONGEST_WAIT, detail=detail, remedy=remedy)
