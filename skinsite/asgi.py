"""The ASGI application. Production settings, unless DJANGO_SETTINGS_MODULE says otherwise."""

from django.core.asgi import get_asgi_application

from skinsite.platform.starting import start

application = start(get_asgi_application)
