"""Measuring on a site of its own: production settings, an empty database, nothing of the site at hand."""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings

from ml.errors import UserError


def measure_inside(*command: str, database: str = "") -> None:
    """Run a command of `manage.py` once more, with ``--inside``, on the database at an address, or a temporary SQLite.

    Raises ``UserError`` if it fails; it has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "skinsite.settings.production",
            "SKINSITE_VAR": folder,
            "STATIC_ROOT": folder,
            "DATABASE_URL": database or f"sqlite:///{Path(folder) / 'skinsite.sqlite3'}",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "testserver",
            "READS_RATE": "none",
            "CLINIC_READS_RATE": "none",
            "LOG_LEVEL": "ERROR",
        }
        again = [sys.executable, "manage.py", *command, "--inside"]
        done = subprocess.run(again, cwd=settings.BASE_DIR, env=environment, check=False)  # noqa: S603 our own
    if done.returncode:
        raise UserError("The measurement failed; see the messages above.")


def serve_plain_static_files() -> None:
    """Pages link to static files by their hashed names, of which there are none here."""
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
