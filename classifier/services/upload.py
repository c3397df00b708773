"""An upload as it is sent: what is said of a photograph must be known, and must not contradict itself."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from classifier.anatomy.sites import Side
from classifier.models import BodySite, Declared, Lesion, Modality, Visit
from classifier.models.image import DEVICE_LENGTH
from classifier.models.patient import CODE_LENGTH, EXTERNAL_ID_LENGTH
from classifier.presentation.wording import unknown_choice_text
from classifier.services.lesions import merged_error
from classifier.services.patients import Expected
from classifier.services.visits import check_day, other_patient_error
from skinsite.accounts.actors import Actor
from skinsite.text import fold_line, too_long

Errors = dict[str, ValidationError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A photograph as it is sent, with what is said of it and of whose it is; what is empty was not said.

    ``declared`` are codes of ``Declared``. ``expected`` is of the patient of that code, where no lesion is named.
    Without ``visit`` it belongs to the patient's visit of the day on which it was taken, without ``taken_on`` of today.
    """

    data: bytes
    original_name: str = ""
    modality: str = Modality.DERMOSCOPIC
    declared: Collection[str] = ()
    lesion: Lesion | None = None
    patient_code: str = ""
    expected: Expected = Expected.EITHER
    body_site: str = ""
    side: str = ""
    visit: Visit | None = None
    taken_on: date | None = None
    device: str = ""
    external_id: str = ""
    attach_anyway: bool = False


def require_consistent(*, actor: Actor, said: Upload) -> None:
    """Refuse unknown codes and what contradicts itself; a record of another clinic is as unknown as none.

    Raises ``ValidationError`` by field.
    """
    errors = _codes(said) | _lengths(said)
    if said.lesion is not None:
        errors |= _of_lesion(actor, said, said.lesion)
    if said.visit is not None:
        errors |= _of_visit(actor, said, said.visit)
    if errors:
        raise ValidationError(dict(errors))
    if said.taken_on is not None and said.lesion is not None:
        check_day(said.taken_on, patient=said.lesion.patient, field="taken_on")


def _codes(said: Upload) -> Errors:
    errors: Errors = {}
    if said.modality not in Modality.values:
        errors["modality"] = _invalid_choice(said.modality, Modality.values)
    unknown = next((code for code in said.declared if code not in Declared.values), None)
    if unknown is not None:
        errors["declared"] = _invalid_choice(unknown, Declared.values)
    if said.body_site and said.body_site not in BodySite.values:
        errors["body_site"] = _invalid_choice(said.body_site, BodySite.values)
    if said.side and said.side not in Side.values:
        errors["side"] = _invalid_choice(said.side, Side.values)
    return errors


def _lengths(said: Upload) -> Errors:
    limits = {"patient_code": CODE_LENGTH, "device": DEVICE_LENGTH, "external_id": EXTERNAL_ID_LENGTH}
    return {name: too_long(most) for name, most in limits.items() if len(getattr(said, name)) > most}


def _of_lesion(actor: Actor, said: Upload, lesion: Lesion) -> Errors:
    if not Lesion.objects.visible_to(actor).contains(lesion):
        message = _("There is no such lesion in this clinic.")
        return {"lesion": ValidationError(message, code="does_not_exist")}
    if lesion.merged_into is not None:
        return {"lesion": merged_error(lesion.merged_into)}
    errors: Errors = {}
    if said.patient_code and fold_line(said.patient_code) != lesion.patient.code_key:
        message = _("This lesion is not of that patient; leave one of the two out.")
        errors["patient_code"] = ValidationError(message, code="contradiction")
    if said.body_site not in ("", BodySite.UNKNOWN, lesion.body_site):
        message = _("This lesion has another body site; leave the site out, or correct it at the lesion.")
        errors["body_site"] = ValidationError(message, code="contradiction")
    if said.side not in ("", Side.UNKNOWN, lesion.side):
        message = _("This lesion is on another side; leave the side out, or correct it at the lesion.")
        errors["side"] = ValidationError(message, code="contradiction")
    return errors


def _of_visit(actor: Actor, said: Upload, visit: Visit) -> Errors:
    if not Visit.objects.visible_to(actor).contains(visit):
        message = _("There is no such visit in this clinic.")
        return {"visit": ValidationError(message, code="does_not_exist")}
    of_lesion = said.lesion is not None and said.lesion.patient_id != visit.patient_id
    by_code = said.lesion is None and fold_line(said.patient_code) != visit.patient.code_key
    if of_lesion or by_code:
        return {"visit": other_patient_error()}
    return {}


def _invalid_choice(value: str, known: list[str]) -> ValidationError:
    return ValidationError(unknown_choice_text(value, known), code="invalid_choice")
