"""Text that people and other systems send."""

import unicodedata


def clean_line(text: str) -> str:
    """One line of text without control, direction and other invisible characters; runs of blanks become one."""
    blanks = "".join(" " if character.isspace() else character for character in text)
    visible = "".join(character for character in blanks if not unicodedata.category(character).startswith("C"))
    return " ".join(visible.split())


def fold_line(text: str) -> str:
    """A line by which two that differ in case alone are the same, in every alphabet."""
    return clean_line(text).casefold()
