"""``manage.py export_model``: ``python -m ml export``."""

from classifier.management.base import VerbCommand


class Command(VerbCommand):
    """The same command under the name that Django's users know."""

    verb = "export"
