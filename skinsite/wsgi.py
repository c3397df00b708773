"""The WSGI application. Production settings, unless DJANGO_SETTINGS_MODULE says otherwise."""

import os

from django.core.wsgi import get_wsgi_application

from skinsite.starting import require_sound_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.production")

application = get_wsgi_application()
require_sound_settings()
