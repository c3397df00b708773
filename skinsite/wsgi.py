"""The WSGI application. Production settings, unless DJANGO_SETTINGS_MODULE says otherwise."""

import os

from django.core.wsgi import get_wsgi_application

from skinsite.bodies import take_bodies_first
from skinsite.starting import require_sound_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skinsite.settings.production")

application = take_bodies_first(get_wsgi_application())
require_sound_settings()
