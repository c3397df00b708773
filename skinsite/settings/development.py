"""For a laptop: nothing but Python is needed."""

from skinsite.settings.base import *  # noqa: F403 settings are layered
from skinsite.settings.base import LOGGING
from skinsite.settings.env import env
from skinsite.settings.local_secret import local_secret
from skinsite.settings.paths import VAR_DIR

DEMO_ALLOWED = True
# Off: whoever tries the site sees its own error pages. Whoever works on it sets DEBUG=1 for tracebacks in the browser.
DEBUG = env.switch("DEBUG", default=False)
# Static files come from where they are written, as they are now, without collecting them.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
WHITENOISE_MAX_AGE = 0
SECRET_KEY = env.text("SECRET_KEY") or local_secret(VAR_DIR)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.hosts("ALLOWED_HOSTS", wildcard=True)]
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", schemes=("https", "http"))
# Whoever runs the site in a terminal looks for the accounts and the address there, not for every file of a page.
LOGGING["loggers"]["django.server"]["level"] = "WARNING"
