"""The Django project: accounts, the audit trail, storage, tasks and settings."""

# Imported with Django, so that tasks find their application.
from skinsite.platform.celery import app as celery_app

__all__ = ["celery_app"]
