"""The WSGI application. Production settings, unless DJANGO_SETTINGS_MODULE says otherwise."""

from django.core.wsgi import get_wsgi_application

from skinsite.platform.bodies import take_bodies_first
from skinsite.platform.starting import start

application = take_bodies_first(start(get_wsgi_application))
