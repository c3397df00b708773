"""Errors that a person can mend."""


class UserError(Exception):
    """Bad input, told in one line that names the file or field, the limit and the remedy.

    Commands print the message alone and exit with code 2.
    """


def gettext_noop(text: str) -> str:
    """Give a text as it is: the site's catalogues hold its translation, and `make messages` finds it by this name."""
    return text
