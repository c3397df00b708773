"""Text that people and other systems send: one form to keep, a key to find it by, a shape to see look-alikes by.

One code is typed in many ways: iOS and macOS decompose й and ё, a Japanese keyboard gives full-width digits, a word
processor hyphens of its own. ``clean_line`` is what is kept and shown, ``fold_line`` what tells two codes apart,
``shape_of_key`` what a reader would take for the same.
"""

import re
import unicodedata
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# What no font shows although Unicode does not count it among the format characters: a joiner, fillers, variation
# selectors (of its property Default_Ignorable_Code_Point), the place of an object, a note without a head.
UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufffc\U00016fe4\U0001d159")
UNSEEN |= frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
# Signs that are blank although Unicode does not count them among the blanks: of Braille and of hieroglyphs.
BLANK = frozenset("\u2800\U00013441\U00013442")

# Decompositions of these kinds give the same sign in plain clothes. Superscripts, fractions and circled digits are
# left as they are: P² is not P2.
SAME_SIGN = frozenset(
    ("<wide>", "<narrow>", "<noBreak>", "<compat>", "<font>", "<initial>", "<medial>", "<final>", "<isolated>")
)
SEARCH_WORDS, SEARCH_LENGTH = 10, 120
LONGEST_SIGN = 4  # of a ligature or a Roman numeral; what is longer is a phrase

PLAIN = {
    **dict.fromkeys("\u2212\u02d7\u2043\u2796", "-"),  # minus signs, and a bullet that looks like one
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
    **dict.fromkeys("\u2044\u2215", "/"),
    **{sign: sign for sign in "\u301c\u3030\u30a0"},  # dashes to Unicode, but Japanese letters to a reader
}

# Of Unicode's confusables (UTS 39, https://www.unicode.org/Public/security/latest/confusables.txt) those of Latin,
# Cyrillic, Greek, Armenian, Cherokee and digits, in lower case, where either the small letters or the capitals look
# alike.
ALIKE = {
    "a": "аαɑᎪ",
    "b": "вьβᏏᏴ",
    "c": "сᏟ",
    "d": "ԁᎠᏧ",
    "e": "еεᎬ",
    "g": "ɡԍցᏀᏳ",
    "h": "нһηհᎻᏂ",
    "j": "јյᎫ",
    "k": "кκᏦ",
    "l": "1iі|ıӏιɩլᎥᏞ",
    "m": "мμᎷ",
    "n": "νո",
    "o": "0оοσօ",
    "p": "рρᏢ",
    "q": "ԛզ",
    "r": "гᎡᏒ",
    "s": "ѕտᏕᏚ",
    "t": "тτᎢ",
    "u": "ս",
    "v": "ѵᏙ",
    "w": "ԝᎳᏔ",
    "x": "хχ",
    "y": "уүυᎩᎽ",
    "z": "ζᏃ",
    "3": "з",
    "4": "Ꮞ",
    "6": "б",
}
SHAPES = {ord(sign): shape for shape, signs in ALIKE.items() for sign in signs}
SEPARATORS = re.compile(r"[\s\-_./\\\u00b7\u2022\u2027\u22c5\u30fb]+")  # the last five are middle dots


def clean_line(text: str) -> str:
    """One line of text, composed, without control, direction and other invisible characters; blanks become one."""
    blanks = "".join(" " if character.isspace() or character in BLANK else character for character in text)
    return unicodedata.normalize("NFC", " ".join("".join(filter(_is_seen, blanks)).split()))


def limit_search(text: str) -> str:
    """What is searched for, cleaned, and no more of it than a search may cost: ten words, 120 characters."""
    return " ".join(clean_line(text)[:SEARCH_LENGTH].split()[:SEARCH_WORDS])


def too_long(limit: int) -> ValidationError:
    """What is said of a text of more than so many characters."""
    return ValidationError(_("Use at most %(limit)s characters.") % {"limit": limit}, code="max_length")


def has_visible_sign(line: str) -> bool:
    """Whether a cleaned line shows anything of its own, and not marks alone that belong above or below a letter."""
    return any(not unicodedata.category(character).startswith(("M", "Z")) for character in line)


def fold_line(text: str) -> str:
    """A key by which two lines are the same that differ in case or in how the same signs are encoded.

    Equal are: composed and decomposed letters, every kind of hyphen and of apostrophe, digits of every script,
    full-width and other presentation forms, ligatures. Not equal are ß and ss, and the Turkish ı, i and İ.
    """
    cleaned = clean_line(text)
    if cleaned.isascii():
        return cleaned.lower()
    plain = unicodedata.normalize("NFC", "".join(map(_plain, cleaned)))
    return unicodedata.normalize("NFC", "".join(map(_fold, plain)))


def shape_of_key(key: str) -> str:
    """How a folded line looks to a quick reader: letters of other alphabets as the Latin ones that they resemble, O as
    0, without accents and separators. Lines of one shape that are not one key are look-alikes."""
    if not key.isascii():
        letters = unicodedata.normalize("NFKD", key)
        key = "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
    return SEPARATORS.sub("", key.translate(SHAPES))


def _is_seen(character: str) -> bool:
    return not unicodedata.category(character).startswith("C") and character not in UNSEEN


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """A character as the plain signs that it stands for."""
    if character in PLAIN:
        return PLAIN[character]
    if unicodedata.category(character) == "Pd":
        return "-"
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    kind, *codes = unicodedata.decomposition(character).split() or [""]
    signs = [chr(int(code, 16)) for code in codes]
    if kind not in SAME_SIGN or " " in signs or len(signs) > LONGEST_SIGN:
        return character
    return "".join(map(_plain, signs))


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """A character in lower case, as one character: full case folding would make ss of ß and lose the ı."""
    folded = unicodedata.normalize("NFC", character.casefold())
    return folded if len(folded) == 1 else character.lower()
