"""The WSGI application. Production settings, unless DJANGO_SETTINGS_MODULE says otherwise."""

from django.core.wsgi import get_wsgi_application

from skinsite.starting import start

application = start(get_wsgi_application)
