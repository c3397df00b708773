"""The ASGI application. Production settings, unless DJANGO_SETTINGS_MODULE says otherwise."""

import os

from django.core.asgi import get_asgi_application

from skinsite.starting import require_sound_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.production")

application = get_asgi_application()
require_sound_settings()
