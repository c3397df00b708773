"""What the domain adds to the site's settings: dictionaries here complete those of the same name there."""

from typing import Any

from celery.schedules import crontab

from skinsite.settings.env import env
from skinsite.settings.paths import VAR_DIR
from skinsite.settings.queues import READINGS_QUEUE

# Where registered bundles lie, each under its hash; shared between machines.
MODEL_STORE = env.path("MODEL_STORE", VAR_DIR / "models")
INFERENCE_RUNTIME = env.choice("INFERENCE_RUNTIME", "auto", ("auto", "onnx", "torchscript"))
# Hashes of bundles whose TorchScript may be opened, beside those that come with the software: it runs what is in it.
TRUSTED_BUNDLES = env.words("TRUSTED_BUNDLES")
# Where photographs are taken in: their requests may be as large as REQUEST_MAX_MEGABYTES says.
POLLED_PAGES = frozenset({"session", "reading-status"})
UPLOAD_PATHS = frozenset({"/upload/", "/api/v1/predictions/"})
INFERENCE_THREADS = env.number("INFERENCE_THREADS", 1, minimum=1, maximum=256)
PREDICTION_MAX_ATTEMPTS = env.number("PREDICTION_MAX_ATTEMPTS", 3, minimum=1, maximum=100)

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_FILTER_BACKENDS": ["classifier.api.filters.KnownFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "classifier.api.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "classifier.api.schema.ProblemAutoSchema",
}

DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "classifier.api.problems.ProblemHandler",
    "EXCEPTION_FORMATTER_CLASS": "classifier.api.problems.ProblemFormatter",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Skin-lesion readings",
    "DESCRIPTION": (
        "Send a dermoscopic photograph of a skin lesion, get a calibrated seven-class reading with an explicit "
        "outcome. Decision support for research use: not a diagnosis, and never an all-clear. "
        "Every error is an `application/problem+json` (RFC 9457)."
    ),
    "LICENSE": {"name": "Apache-2.0 (code), CC BY-NC 4.0 (weights)"},
    "ENUM_NAME_OVERRIDES": {
        "Status": "classifier.models.Status",
        "Outcome": "classifier.models.Outcome",
        "Modality": "classifier.models.Modality",
        "Declared": "classifier.models.Declared",
        "BodySite": "classifier.models.BodySite",
        "Sex": "classifier.models.Sex",
        "Diagnosis": "classifier.models.Diagnosis",
        "Certainty": "classifier.models.Certainty",
        "ReviewKind": "classifier.models.ReviewKind",
    },
}

CELERY_TASK_ROUTES = {"classifier.tasks.run_prediction": {"queue": READINGS_QUEUE}}
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    # What no worker knows of: a message was lost, the broker was down, a worker died. Outdated after the next round.
    "process_queue": {"task": "classifier.tasks.process_queue", "schedule": 30.0, "options": {"expires": 25}},
    # By the clock on the wall: a schedule that begins anew with every start of a container may never come to its end.
    "housekeep": {"task": "classifier.tasks.housekeep", "schedule": crontab(hour="3", minute="17")},
}

LOGGING = {
    "loggers": {
        # Tell of every constant that they fold while a bundle is exported.
        "onnx_ir": {"level": "WARNING"},
        "onnxscript": {"level": "WARNING"},
    }
}
