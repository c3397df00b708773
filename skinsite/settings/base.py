"""What every environment shares. Every value that differs between them is read from the environment, by name."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _
from kombu import Exchange, Queue

from skinsite.settings.admin import *  # noqa: F403 settings are layered
from skinsite.settings.api import *  # noqa: F403 settings are layered
from skinsite.settings.caches import describe_caches
from skinsite.settings.databases import describe_database
from skinsite.settings.domain import complete
from skinsite.settings.env import env
from skinsite.settings.identity import *  # noqa: F403 settings are layered
from skinsite.settings.paths import BASE_DIR, VAR_DIR
from skinsite.settings.queues import READINGS_QUEUE, ROUNDS_QUEUE
from skinsite.settings.rates import *  # noqa: F403 settings are layered
from skinsite.settings.security import *  # noqa: F403 settings are layered
from skinsite.settings.storages import *  # noqa: F403 settings are layered
from skinsite.settings.storages import describe_storages

DEBUG = False
ALLOWED_HOSTS: list[str] = []

# The application that the site is for.
DOMAIN = "classifier"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "skinsite.apps.SiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "knox",
    "rest_framework",
    "skinsite.platform",
    "skinsite.accounts",
    "skinsite.audit",
    "skinsite.health",
    "skinsite.directory",
    DOMAIN,
]

MIDDLEWARE = [
    "skinsite.platform.request_id.RequestIdMiddleware",
    "skinsite.health.views.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "skinsite.platform.middleware.AdminPolicyMiddleware",
    "skinsite.platform.middleware.HeadersMiddleware",
    "skinsite.platform.middleware.RateLimitHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "skinsite.platform.middleware.RequestBodyMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "skinsite.accounts.personal.PreferencesMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "skinsite.accounts.middleware.ForgetMiddleware",
    "skinsite.accounts.middleware.SessionLifetimeMiddleware",
    "skinsite.accounts.middleware.MembershipMiddleware",
    "skinsite.audit.refusals.RefusalMiddleware",
    "skinsite.accounts.middleware.SecondFactorMiddleware",
    "skinsite.accounts.limits.StrangersMiddleware",
    "skinsite.accounts.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "skinsite.platform.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "skinsite.urls"
WSGI_APPLICATION = "skinsite.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": describe_database(env.database("DATABASE_URL", VAR_DIR / "skinsite.sqlite3"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = describe_caches()

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["skinsite.accounts.backends.AccountBackend"]
# Whether a demonstration clinic may exist here and its members sign in.
DEMO_ALLOWED = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 a model, no secret
# The project's own model stands for knox's, whose migrations would leave an empty table behind.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_MODEL": "accounts.ApiToken", "TOKEN_TTL": timedelta(days=90)}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ru", _("Russian"))]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
# The second: what libraries show on our pages and do not say in Russian themselves.
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "libraries"]
FORMAT_MODULE_PATH = ["skinsite.formats"]
TIME_ZONE = "UTC"  # of the database, the log and the commands; people have their own
USE_TZ = True
# Of clinics that have set none, and of whoever is not signed in.
DEFAULT_TIME_ZONE = env.text("DEFAULT_TIME_ZONE", "UTC")

STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = describe_storages()

# "synchronous": in the request; "celery": by a worker.
PREDICTION_MODE = env.choice("PREDICTION_MODE", "synchronous", ("synchronous", "celery"))
BROKER_TIMEOUT_SECONDS = 2
TASK_SOFT_SECONDS = env.number("TASK_SOFT_SECONDS", 40, minimum=1, maximum=24 * 3600)
TASK_HARD_SECONDS = env.number("TASK_HARD_SECONDS", 50, minimum=1, maximum=24 * 3600)
TASK_VISIBILITY_SECONDS = env.number("TASK_VISIBILITY_SECONDS", 300, minimum=1, maximum=24 * 3600)

CELERY_BROKER_URL = env.broker("BROKER_URL")
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": TASK_VISIBILITY_SECONDS,
    # A request that hands work over does not wait for a broker that is gone.
    "socket_connect_timeout": BROKER_TIMEOUT_SECONDS,
    "socket_timeout": 10,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = BROKER_TIMEOUT_SECONDS
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_TASK_DEFAULT_QUEUE = READINGS_QUEUE
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in (READINGS_QUEUE, ROUNDS_QUEUE)]
CELERY_TASK_ROUTES = {"*": {"queue": ROUNDS_QUEUE}}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "renew_grants": {"task": "skinsite.directory.tasks.renew_grants", "schedule": 60.0, "options": {"expires": 50}},
    "seal_events": {"task": "skinsite.audit.tasks.seal_events", "schedule": 30.0, "options": {"expires": 25}},
    "note_clock": {"task": "skinsite.health.tasks.note_clock", "schedule": 30.0, "options": {"expires": 25}},
}

EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env.sender("EMAIL_FROM", "skinsite@localhost")
globals().update(env.email("EMAIL_URL"))
EMAIL_TIMEOUT = 10
INVITATION_DAYS = 7
PASSWORD_RESET_TIMEOUT = 24 * 3600

# Handlers of the log are the process's own output: whatever runs the service collects it.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "skinsite.platform.request_id.RequestIdFilter"},
    },
    "formatters": {"line": {"()": "skinsite.platform.logs.KeyValueFormatter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {
        "handlers": ["console"],
        "level": env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
    },
    "loggers": {
        # Django's own handlers would write each line a second time.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # Scanners try names all day; they get a 400, and nobody needs the traceback.
        "django.security.DisallowedHost": {"handlers": [], "propagate": False},
    },
}

complete(globals(), DOMAIN)
