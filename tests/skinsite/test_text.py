"""One form, one key, one shape: which lines are the same, and which only look it."""

import pytest

from skinsite.text import clean_line, fold_line, has_visible_sign, shape_of_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Кли\u0306-1", "клй-1"),
        ("и\u0306", "й"),
        ("е\u0308ж", "Ёж"),
        ("김", "\u1100\u1175\u11b7"),
        ("A\u0308", "ä"),
        ("P\u201110", "p-10"),
        ("P\u201010", "P\u201310"),
        ("P\u221210", "P\u201410"),
        ("Ｐ－１０２４", "p-1024"),
        ("P-١٢٣", "P-123"),
        ("P-१२३", "P-123"),
        ("ｶﾞ", "ガ"),
        ("\ufb01le", "FILE"),
        ("Ⅳ", "iv"),
        ("𝐏-𝟏", "p-1"),
        ("P\u00a01", "P 1"),
        ("P\u202f1", "P 1"),
        ("P\u2009\u20091", "P 1"),
        ("P\u00ad1", "P1"),
        ("P\u200b-\u20601", "p-1"),
        ("\ufeffP-1", "P-1"),
        ("P-1\ufe0f", "P-1"),
        ("P-1\U000e0100", "P-1"),
        ("P\U000e01ef-1", "P-1"),
        ("P-1\u2800", "P-1"),
        ("P\u28001", "P 1"),
        ("P-1\U00013441", "P-1"),
        ("P\ufffc-1", "P-1"),
        ("P-\U0001d1591", "P-1"),
        ("P-1\U00016fe4", "P-1"),
        ("P\u3164-\uffa01", "P-1"),
        ("P-\U000e00011", "P-1"),
        ("P-\ue0001", "P-1"),
        ("и\u200d\u0306", "й"),
        ("О\u2019Нил", "о'нил"),
        ("ΣΑΣ", "σας"),
        ("ẞ", "ß"),
        ("ſ", "S"),
    ],
)
def test_one_line_in_two_encodings_is_one(one: str, other: str) -> None:
    assert fold_line(one) == fold_line(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Voß-12", "Voss-12"),
        ("VOẞ-12", "VOSS-12"),
        ("ı-1", "i-1"),
        ("I-1", "ı-1"),
        ("İ-1", "I-1"),
        ("P²", "P2"),
        ("½", "1/2"),
        ("①", "1"),
        ("й", "и"),
        ("ё", "е"),
        ("Р-1024", "P-1024"),
        ("O", "0"),
        ("P-1", "P1"),
    ],
)
def test_two_lines_that_differ_to_a_reader_stay_two(one: str, other: str) -> None:
    assert fold_line(one) != fold_line(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Р-1024", "P-1024"),
        ("р-1024", "P-1024"),
        ("АВС-1", "ABC-1"),
        ("Ρ-7", "P-7"),
        ("P-1O24", "P-1024"),
        ("l1I", "1Il"),
        ("Ёж-1", "Еж-1"),
        ("Voß-12", "Voss-12"),
        ("İ-1", "i-1"),
        ("P²", "P2"),
        ("2024 0001", "2024_0001"),
        ("2024/0001", "2024-0001"),
        ("QX77", "QX-77"),
        ("QX 77", "Q.X·77"),
        ("Տ-ՕՍ1", "S-OU1"),
        ("ᎪᏴᏟ-1", "ABC-1"),
        ("ꭺ-1", "A-1"),
        ("ɡ-1", "G-1"),
    ],
)
def test_look_alikes_have_one_shape(one: str, other: str) -> None:
    assert shape_of_key(fold_line(one)) == shape_of_key(fold_line(other))


@pytest.mark.parametrize(("one", "other"), [("P-1024", "P-1025"), ("2024-00001", "2024-00010"), ("K-1", "P-1")])
def test_other_codes_do_not_look_alike(one: str, other: str) -> None:
    assert shape_of_key(fold_line(one)) != shape_of_key(fold_line(other))


def test_what_is_kept_is_composed_and_otherwise_as_it_was_typed() -> None:
    assert clean_line("  Родинка\u00a0№\u202f5 – и\u0306\u200b\x00 ") == "Родинка № 5 – й"


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("\u0301", False),
        ("\u0301 \u0483", False),
        ("\u2800", False),
        ("\U000e0100", False),
        ("a\u0301", True),
        ("7", True),
    ],
)
def test_marks_without_a_letter_are_nothing_to_read(typed: str, *, seen: bool) -> None:
    assert has_visible_sign(clean_line(typed)) is seen


def test_a_key_is_its_own_key() -> None:
    every = [chr(number) for number in range(0x20, 0x20000) if not 0xD800 <= number < 0xE000]
    folded = [fold_line(character) for character in every]
    assert [fold_line(key) for key in folded] == folded
