"""Errors that the user can correct."""


class UserError(Exception):
    """Bad input, reported in one line that names the file or field, the limit and the remedy.

    Commands print the message only and exit with code 2.
    """


def gettext_noop(text: str) -> str:
    """Mark a text for translation by the site and return it unchanged; `make messages` finds it by this name."""
    return text
