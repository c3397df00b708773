"""For tests: like production where it matters, quick where it does not."""

import tempfile
from pathlib import Path

from skinsite.settings.base import *  # noqa: F403 settings are layered
from skinsite.settings.base import DATABASES

SECRET_KEY = "for tests only, and never used elsewhere"  # noqa: S105 no secret
DEMO_ALLOWED = True
SUPERUSERS_NEED_SECOND_FACTOR = False  # tests of other things are not led to setting one up
FREE_DISK_BYTES = 0  # of whichever machine runs them
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
VAR_DIR = Path(tempfile.mkdtemp(prefix="skinsite-"))
MEDIA_ROOT = VAR_DIR / "media"
MODEL_STORE = VAR_DIR / "models"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir()
# A file, as in service: a browser's requests come side by side, and a database in memory has one connection for all.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
