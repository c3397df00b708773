"""The sites of the body map, with their names and their codes in other vocabularies.

Sources of the codes. ISIC: ``AnatomSiteGeneralEnum`` and ``AnatomSiteSpecialEnum`` of the archive's own package
(ImageMarkup/isic-metadata, ``isic_metadata/fields.py``). DICOM: CID 4029 *Dermatology Anatomic Site*, version
20240913, and for the shoulder, which it lacks, CID 4031 *Common Anatomic Region*, version 20250709; both as read in
bvdh/dicom-terminology-in-fhir. Where they have no concept as narrow as a site, the next wider one stands, with its
own meaning (``Skin of foot`` for the sole); where there is none at all, the code is empty. Laterality is coded apart
(CID 244), as DICOM wants it.
"""

from dataclasses import dataclass
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Side(TextChoices):
    """Whose left is always the patient's. *Not known* is chosen, never a default."""

    LEFT = "left", pgettext_lazy("side of the body", "Left")
    RIGHT = "right", pgettext_lazy("side of the body", "Right")
    MIDLINE = "midline", pgettext_lazy("side of the body", "Midline")
    UNKNOWN = "unknown", pgettext_lazy("side of the body", "Not known")


class Part(TextChoices):
    """Parts of the body, in the order of the list of sites."""

    HEAD = "head", _("Head and neck")
    TRUNK = "trunk", _("Trunk")
    GENITAL = "genital", _("Genital and anal area")
    ARM = "arm", _("Arm")
    HAND = "hand", _("Hand")
    LEG = "leg", _("Leg")
    FOOT = "foot", _("Foot")


@dataclass(frozen=True)
class Code:
    """A concept of DICOM's context groups: value, scheme designator (SCT, FMA or DCM) and meaning."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class Site:
    """One site: ``key`` is ours and stays; ``body_site`` is the one of ``BodySite`` that it belongs to.

    ``sides`` are those that a point on it can have; *not known* can be chosen besides.
    """

    key: str
    name: Promise
    part: Part
    body_site: str
    sides: tuple[Side, ...]
    isic_general: str
    isic_special: str = ""
    code: Code | None = None

    def allows(self, side: str) -> bool:
        """Whether a lesion here can be on a side: a finger is never in the midline."""
        return side == Side.UNKNOWN or side in self.sides


PAIRED = (Side.RIGHT, Side.LEFT)
MIDDLE = (Side.MIDLINE,)
ALL = (Side.RIGHT, Side.MIDLINE, Side.LEFT)


def _head(key: str, name: Promise, body_site: str, code: str, meaning: str, *, sides: tuple[Side, ...] = ALL) -> Site:
    return Site(key, name, Part.HEAD, body_site, sides, "head/neck", code=Code(code, "SCT", meaning))


def _trunk(
    key: str, name: Promise, body_site: str, where: str, code: Code | None, *, sides: tuple[Side, ...] = ALL
) -> Site:
    return Site(key, name, Part.TRUNK, body_site, sides, f"{where} torso", code=code)


def _genital(key: str, name: Promise, code: Code | None, *, sides: tuple[Side, ...] = ALL) -> Site:
    return Site(key, name, Part.GENITAL, "genital", sides, "oral/genital", "oral or genital", code)


def _limb(key: str, name: Promise, part: Part, code: Code | None) -> Site:
    upper = part == Part.ARM
    general, body_site = ("upper", "upper_extremity") if upper else ("lower", "lower_extremity")
    return Site(key, name, part, body_site, PAIRED, f"{general} extremity", code=code)


def _hand(key: str, name: Promise, code: Code, *, special: str = "acral NOS") -> Site:
    return Site(key, name, Part.HAND, "hand", PAIRED, "upper extremity", special, code)


def _foot(key: str, name: Promise, code: Code, *, special: str = "acral NOS") -> Site:
    return Site(key, name, Part.FOOT, "foot", PAIRED, "lower extremity", special, code)


def _fingernail(key: str, name: Promise, code: str, finger: str) -> Site:
    return _hand(key, name, _sct(code, f"Nail unit of {finger}"), special="fingernail")


def _toenail(key: str, name: Promise, code: str, toe: str) -> Site:
    return _foot(key, name, _sct(code, f"Nail unit of {toe}"), special="toenail")


def _acral(key: str, name: Promise, part: Part, code: Code) -> Site:
    return Site(key, name, part, "acral", PAIRED, "palms/soles", "acral palms or soles", code)


def _sct(value: str, meaning: str) -> Code:
    return Code(value, "SCT", meaning)


_CHEST = _sct("244106003", "Skin of anterior surface of thorax")
_UPPER_BACK = _sct("699893008", "Skin of back of upper thoracic region")
_UPPER_ARM = _sct("45981001", "Skin of anterior surface of upper arm")
_FINGER = _sct("244169007", "Skin of digit of hand")
_TOE = _sct("52034004", "Skin of toe")
_FOOT = _sct("60496002", "Skin of foot")

_TABLE = (
    _head("scalp_front", _("Scalp, front"), "scalp", "43067004", "Skin of scalp"),
    _head("scalp_top", _("Scalp, top"), "scalp", "61719002", "Skin of vertex of scalp"),
    _head("scalp_side", _("Scalp, side"), "scalp", "21672008", "Skin of parietal region", sides=PAIRED),
    _head("scalp_back", _("Scalp, back"), "scalp", "79951008", "Skin of occipital region"),
    _head("forehead", _("Forehead"), "face", "68698007", "Skin of forehead"),
    _head("temple", _("Temple"), "face", "16621002", "Skin of temporal region", sides=PAIRED),
    _head("upper_eyelid", _("Upper eyelid"), "face", "41310005", "Skin of upper eyelid", sides=PAIRED),
    _head("lower_eyelid", _("Lower eyelid"), "face", "40069000", "Skin of lower eyelid", sides=PAIRED),
    _head("nose", _("Nose"), "face", "113179006", "Skin of nose"),
    _head("cheek", _("Cheek"), "face", "36141000", "Skin of cheek", sides=PAIRED),
    _head("upper_lip", _("Upper lip"), "face", "16251004", "Skin of upper lip"),
    _head("lower_lip", _("Lower lip"), "face", "66934001", "Skin of lower lip"),
    _head("chin", _("Chin"), "face", "23747009", "Skin of chin"),
    _head("jaw", _("Jaw"), "face", "244097004", "Skin of jawline", sides=PAIRED),
    _head("ear", _("Ear"), "ear", "1902009", "Skin of ear", sides=PAIRED),
    _head("behind_ear", _("Behind the ear"), "ear", "24483006", "Skin of postauricular region", sides=PAIRED),
    _head("neck_front", _("Neck, front"), "neck", "11584001", "Skin of anterior portion of neck"),
    _head("neck_side", _("Neck, side"), "neck", "5272005", "Skin of lateral portion of neck", sides=PAIRED),
    _head("neck_back", _("Neck, back"), "neck", "4658004", "Skin of nuchal region"),
    _trunk("chest", _("Chest"), "chest", "anterior", _CHEST, sides=PAIRED),
    _trunk("breastbone", _("Breastbone"), "chest", "anterior", _sct("244107007", "Sternal skin"), sides=MIDDLE),
    _trunk("breast", _("Breast"), "chest", "anterior", _sct("82038008", "Skin of breast"), sides=PAIRED),
    _trunk("nipple", _("Nipple and areola"), "chest", "anterior", _sct("72005009", "Skin of areola"), sides=PAIRED),
    _trunk("upper_abdomen", _("Upper abdomen"), "abdomen", "anterior", _sct("699935000", "Skin of upper abdomen")),
    _trunk("navel", _("Navel"), "abdomen", "anterior", _sct("315003", "Skin of umbilicus"), sides=MIDDLE),
    _trunk("lower_abdomen", _("Lower abdomen"), "abdomen", "anterior", _sct("699914002", "Skin of lower abdomen")),
    _trunk("flank", _("Flank"), "trunk", "lateral", None, sides=PAIRED),
    _trunk("axilla", _("Armpit"), "trunk", "lateral", _sct("76261009", "Skin of axilla"), sides=PAIRED),
    _trunk("groin", _("Groin"), "trunk", "anterior", _sct("39687006", "Skin of inguinal region"), sides=PAIRED),
    _trunk("upper_back", _("Upper back"), "back", "posterior", _UPPER_BACK),
    _trunk("middle_back", _("Middle back"), "back", "posterior", Code("130323", "DCM", "Skin of mid back")),
    _trunk("lower_back", _("Lower back"), "back", "posterior", _sct("113182001", "Skin of lower back")),
    _trunk("buttock", _("Buttock"), "trunk", "posterior", _sct("22180002", "Skin of buttock"), sides=PAIRED),
    _trunk("gluteal_cleft", _("Gluteal cleft"), "trunk", "posterior", None, sides=MIDDLE),
    _genital("pubic_area", _("Pubic area"), None),
    _genital("penis", _("Penis"), _sct("35900000", "Skin of penis")),
    _genital("scrotum", _("Scrotum"), _sct("81992007", "Skin of scrotum")),
    _genital("vulva", _("Vulva"), _sct("73058008", "Skin of labium")),
    _genital("perineum", _("Perineum"), _sct("48014002", "Skin of perineum")),
    _genital("anus", _("Anus and around it"), _sct("59112000", "Skin of anus")),
    _limb("shoulder", _("Shoulder"), Part.ARM, _sct("16982005", "Shoulder")),
    _limb("upper_arm_front", _("Upper arm, front"), Part.ARM, _UPPER_ARM),
    _limb("upper_arm_back", _("Upper arm, back"), Part.ARM, _sct("72939005", "Skin of posterior surface of upper arm")),
    _limb("elbow_crease", _("Crook of the arm"), Part.ARM, _sct("17957002", "Skin of antecubital fossa")),
    _limb("elbow", _("Elbow"), Part.ARM, _sct("181536004", "Skin of posterior surface of elbow")),
    _limb("forearm_front", _("Forearm, palm side"), Part.ARM, _sct("70559009", "Skin of anterior surface of forearm")),
    _limb("forearm_back", _("Forearm, back"), Part.ARM, _sct("41550009", "Skin of posterior surface of forearm")),
    _limb("wrist_front", _("Wrist, palm side"), Part.ARM, _sct("24527008", "Skin of palmar area of wrist")),
    _limb("wrist_back", _("Wrist, back"), Part.ARM, _sct("52876008", "Skin of dorsal area of wrist")),
    _acral("palm", _("Palm"), Part.HAND, _sct("70887009", "Skin of palm of hand")),
    _hand("hand_back", _("Back of the hand"), _sct("281642007", "Skin of part of dorsal surface of hand")),
    _hand("thumb", _("Thumb"), _FINGER),
    _hand("index_finger", _("Index finger"), _FINGER),
    _hand("middle_finger", _("Middle finger"), _FINGER),
    _hand("ring_finger", _("Ring finger"), _FINGER),
    _hand("little_finger", _("Little finger"), _FINGER),
    _fingernail("thumb_nail", _("Thumbnail"), "770810008", "thumb"),
    _fingernail("index_nail", _("Nail of the index finger"), "770815003", "index finger"),
    _fingernail("middle_nail", _("Nail of the middle finger"), "770816002", "middle finger"),
    _fingernail("ring_nail", _("Nail of the ring finger"), "770817006", "ring finger"),
    _fingernail("little_nail", _("Nail of the little finger"), "770818001", "little finger"),
    _limb("thigh_front", _("Thigh, front"), Part.LEG, _sct("61248009", "Skin of anterior surface of thigh")),
    _limb("thigh_inner", _("Thigh, inner side"), Part.LEG, _sct("73958006", "Skin of medial surface of thigh")),
    _limb("thigh_back", _("Thigh, back"), Part.LEG, _sct("4578000", "Skin of posterior surface of thigh")),
    _limb("knee", _("Knee"), Part.LEG, _sct("181553006", "Skin of anterior surface of knee")),
    _limb("knee_hollow", _("Hollow of the knee"), Part.LEG, _sct("84507004", "Skin of popliteal fossa")),
    _limb("shin", _("Shin"), Part.LEG, _sct("25763004", "Skin of anterior surface of lower leg")),
    _limb("calf", _("Calf"), Part.LEG, _sct("47224004", "Skin of posterior surface of lower leg")),
    _limb("outer_ankle", _("Ankle, outer side"), Part.LEG, _sct("181564009", "Skin of lateral aspect of ankle")),
    _limb("inner_ankle", _("Ankle, inner side"), Part.LEG, _sct("181563003", "Skin of medial aspect of ankle")),
    _foot("foot_back", _("Back of the foot"), _FOOT, special=""),
    _acral("forefoot_sole", _("Ball of the foot"), Part.FOOT, Code("130317", "DCM", "Skin of sole of forefoot")),
    _acral("sole", _("Sole, middle"), Part.FOOT, _FOOT),
    _acral("heel", _("Heel"), Part.FOOT, _sct("84607009", "Skin of heel")),
    _foot("great_toe", _("Great toe"), _TOE),
    _foot("second_toe", _("Second toe"), _TOE),
    _foot("third_toe", _("Third toe"), _TOE),
    _foot("fourth_toe", _("Fourth toe"), _TOE),
    _foot("fifth_toe", _("Fifth toe"), _TOE),
    _toenail("great_toenail", _("Nail of the great toe"), "770822006", "great toe"),
    _toenail("second_toenail", _("Nail of the second toe"), "770823001", "second toe"),
    _toenail("third_toenail", _("Nail of the third toe"), "770825008", "third toe"),
    _toenail("fourth_toenail", _("Nail of the fourth toe"), "770821004", "fourth toe"),
    _toenail("fifth_toenail", _("Nail of the fifth toe"), "770820003", "fifth toe"),
)

SITES = MappingProxyType({site.key: site for site in _TABLE})
"""Every site by its key, from head to foot."""

LATERALITY = MappingProxyType({Side.RIGHT: _sct("24028007", "Right"), Side.LEFT: _sct("7771000", "Left")})
"""DICOM's codes of sides (CID 244); what is in the midline has no laterality there."""


def offer_sites() -> list[tuple[str, list[tuple[str, Promise]]]]:
    """All sites for a list of choices, grouped by part of the body."""
    return [(str(part.label), [(s.key, s.name) for s in _TABLE if s.part == part]) for part in Part]


def write_place(site: str, side: str) -> str:
    """A site with its side as a word: *Cheek, left*."""
    name = str(SITES[site].name)
    return f"{name}, {str(Side(side).label).lower()}"
