"""Whether readings can be made."""

from classifier import inference
from skinsite.health import CheckResult, register_check

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
