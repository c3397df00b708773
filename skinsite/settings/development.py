"""For a laptop: nothing but Python is needed."""

from skinsite.settings.base import *  # noqa: F403 settings are layered

DEBUG = True
SECRET_KEY = "development"  # noqa: S105 no secret
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
