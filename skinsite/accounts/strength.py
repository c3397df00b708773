"""How hard a password is to guess, as zxcvbn estimates it."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn  # type: ignore[import-untyped] # ships no types

LEAST_SCORE = 3  # of 4: more than 10^8 guesses
LEAST_DIFFERENT = 5
# The estimate takes time that grows with the square; what is this long is long enough by its beginning.
MEASURED = 64
# What everybody who attacks this site tries first.
OF_THE_SITE = ("skinsite", "dermatoscopy", "dermoscopy", "lesion", "readings", "clinic", "hospital", "дерматоскопия")


class StrengthValidator:
    """Refuses what can be guessed: common words, rows of keys, repeated parts, one's own name and address, the site's.

    Blanks around it, and more than one in a row, count for nothing.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ``ValidationError`` for a password that is too easy to guess."""
        measured = " ".join(password.split())[:MEASURED]
        known = [*OF_THE_SITE, *_words_of(user)]
        if len(set(measured.casefold())) < LEAST_DIFFERENT or zxcvbn(measured, known)["score"] < LEAST_SCORE:
            raise ValidationError(
                _("This password is easy to guess. Take four words that do not belong together, or let a password "
                  "manager make one."),
                code="password_too_weak",
            )  # fmt: skip

    def get_help_text(self) -> str:
        """What to do."""
        return _("Take four words that do not belong together, or let a password manager make one.")


def _words_of(user: Any) -> list[str]:
    """The person's name and address, and the parts of them."""
    texts = [str(getattr(user, name, "") or "") for name in ("email", "name")]
    return [word for text in texts for word in (text, *re.split(r"\W+", text)) if word]
