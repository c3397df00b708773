"""``manage.py train_model``: ``python -m ml train``."""

from classifier.management.base import VerbCommand


class Command(VerbCommand):
    """The same command under the name that Django's users know."""

    verb = "train"
