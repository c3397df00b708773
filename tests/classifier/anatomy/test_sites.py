"""The table of sites holds together, and with the vocabularies that it is coded in."""

from django.utils import translation

from classifier.anatomy.sites import SITES, Side, offer_sites, write_place
from classifier.models import BodySite

# ImageMarkup/isic-metadata, isic_metadata/fields.py, and the pairs that its own test lets through.
ISIC_GENERAL = {
    "head/neck", "upper extremity", "lower extremity", "anterior torso", "posterior torso", "lateral torso",
    "palms/soles", "oral/genital",
}  # fmt: skip
ISIC_SPECIAL = {
    "acral NOS": {"upper extremity", "lower extremity", "palms/soles"},
    "fingernail": {"upper extremity", "palms/soles"},
    "toenail": {"lower extremity", "palms/soles"},
    "acral palms or soles": {"upper extremity", "lower extremity", "palms/soles"},
    "oral or genital": {"head/neck", "oral/genital", "lower extremity", "anterior torso", "posterior torso"},
}


def test_every_site_belongs_to_a_body_site_and_to_the_archives_categories() -> None:
    for site in SITES.values():
        assert site.body_site in set(BodySite.values) - {"unknown"}
        assert site.isic_general in ISIC_GENERAL
        assert not site.isic_special or site.isic_general in ISIC_SPECIAL[site.isic_special]


def test_what_lies_on_palm_or_sole_is_acral_for_both() -> None:
    acral = {key for key, site in SITES.items() if site.isic_special == "acral palms or soles"}
    assert acral == {"palm", "sole", "heel", "forefoot_sole"}
    assert {SITES[key].body_site for key in acral} == {"acral"}


def test_snomed_codes_end_in_their_check_digit() -> None:
    codes = [site.code for site in SITES.values() if site.code]
    assert {code.scheme for code in codes} <= {"SCT", "DCM"}
    assert all(has_check_digit(code.value) for code in codes if code.scheme == "SCT")
    assert not has_check_digit("43067005")


def test_sites_without_a_concept_of_dicom_have_no_code() -> None:
    assert {key for key, site in SITES.items() if site.code is None} == {"flank", "gluteal_cleft", "pubic_area"}


def test_a_finger_is_never_in_the_midline_and_a_side_may_always_be_unknown() -> None:
    assert not SITES["ring_finger"].allows(Side.MIDLINE)
    assert SITES["breastbone"].sides == (Side.MIDLINE,)
    assert all(site.allows(Side.UNKNOWN) for site in SITES.values())


def test_a_place_is_written_with_its_side_as_a_word() -> None:
    assert write_place("cheek", "left") == "Cheek, left"
    with translation.override("ru"):
        assert write_place("cheek", "left") == "Щека, слева"
        assert next(name for name, _ in offer_sites()) == "Голова и шея"
    assert sum(len(sites) for _, sites in offer_sites()) == len(SITES)


def has_check_digit(value: str) -> bool:
    """Verhoeff's, as SNOMED CT's identifiers end."""
    turn = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    check = 0
    for place, letter in enumerate(reversed(value)):
        digit = int(letter)
        for _ in range(place % 8):
            digit = turn[digit]
        check = _dihedral(check, digit)
    return check == 0


def _dihedral(a: int, b: int) -> int:
    """The product of two elements of the symmetries of a pentagon: turns 0 to 4, mirrorings 5 to 9."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
    return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5
