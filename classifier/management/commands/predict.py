"""``manage.py predict``: ``python -m ml predict``."""

from classifier.management.base import VerbCommand


class Command(VerbCommand):
    """The same command under the name that Django's users know."""

    verb = "predict"
