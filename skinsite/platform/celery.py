"""The Celery application. Nothing but `skinsite.platform.tasks.task` makes tasks for it.

Production settings, unless DJANGO_SETTINGS_MODULE says otherwise: a worker beside a production site would read another
database without a word.
"""

import os
from typing import Any

import django
from celery import Celery
from celery.signals import beat_init, celeryd_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from skinsite.platform.starting import DOES_NOT_START, ending_on_faults, keep_files_private, require_sound_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.production")

app = Celery("skinsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_configure.connect
def _load_settings(**_signal: Any) -> None:
    """Load them where a fault is told in one line, and not in a traceback of Celery's."""
    with ending_on_faults(DOES_NOT_START):
        _ = settings.INSTALLED_APPS


@celeryd_init.connect
@beat_init.connect
def _require_sound_settings(**_signal: Any) -> None:
    """Start under what a server starts under, and with a broker: Celery would look for one on this machine."""
    keep_files_private()
    with ending_on_faults(DOES_NOT_START):
        if not settings.CELERY_BROKER_URL:
            raise ImproperlyConfigured(
                "BROKER_URL is not set, and a worker has no work without it. Set it as for the web processes."
            )
        django.setup()
        require_sound_settings()
