"""The seven classes of ISIC 2018 Task 3: the only definition of their order, names, malignancy and codes.

Source: Codella et al., "Skin Lesion Analysis Toward Melanoma Detection 2018" (arXiv 1902.03368); the order is that of
the columns of the official ground-truth file. ICD-10 categories are WHO's; a class that covers several has several,
since no single code would be true of all its lesions.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LesionClass:
    """One class: its official ``code``, its English ``name``, whether it is ``malignant``, and its ICD-10 categories.

    AKIEC (actinic keratosis and intraepithelial carcinoma) counts as malignant here: it is in-situ carcinoma or its
    precursor, and is treated.
    """

    code: str
    name: str
    malignant: bool
    icd10: tuple[str, ...]


LESION_CLASSES: tuple[LesionClass, ...] = (
    LesionClass("MEL", "Melanoma", True, ("C43", "D03")),
    LesionClass("NV", "Melanocytic nevus", False, ("D22",)),
    LesionClass("BCC", "Basal cell carcinoma", True, ("C44",)),
    LesionClass("AKIEC", "Actinic keratosis or intraepithelial carcinoma", True, ("L57.0", "D04")),
    LesionClass("BKL", "Benign keratosis", False, ("L82", "L81.4")),
    LesionClass("DF", "Dermatofibroma", False, ("D23",)),
    LesionClass("VASC", "Vascular lesion", False, ("D18.0", "L98.0")),
)

CLASSES: tuple[str, ...] = tuple(each.code for each in LESION_CLASSES)
"""Class codes in the official order: the meaning of every seven-vector in this project."""

MALIGNANT: tuple[str, ...] = tuple(each.code for each in LESION_CLASSES if each.malignant)
"""Codes whose probabilities add up to the malignant sum."""

MELANOMA: int = CLASSES.index("MEL")

MALIGNANT_INDICES: tuple[int, ...] = tuple(CLASSES.index(code) for code in MALIGNANT)

DECISIONS: tuple[str, ...] = (
    "below_low_risk_threshold",
    "above_suspicious_threshold",
    "between_thresholds",
    "melanoma_not_excluded",
)
"""Reasons of outcomes that follow from the probabilities; any other reason is that of a refusal."""
