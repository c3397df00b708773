"""``manage.py evaluate_model``: ``python -m ml evaluate``."""

from classifier.management.base import VerbCommand


class Command(VerbCommand):
    """The same command under the name that Django's users know."""

    verb = "evaluate"
