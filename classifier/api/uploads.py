"""What the API takes: a photograph and what is known of it."""

from collections.abc import Callable
from typing import Any, NoReturn
from uuid import UUID

from django.db.models import Model
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from classifier.api.actor import actor_of
from classifier.models import BodySite, Declared, Examination, Modality, Side, Visit
from classifier.models.image import DEVICE_LENGTH
from classifier.models.patient import CODE_LENGTH, EXTERNAL_ID_LENGTH
from classifier.presentation import wording
from classifier.selectors.examinations import find_examination, find_visit
from classifier.selectors.records import find_lesion
from ml.serve.image_limits import LIMITS, MEGABYTE
from skinsite.accounts.actors import Actor


class VisibleField(serializers.UUIDField):
    """The identifier of a record of the actor's clinic; another clinic's does not exist."""

    unknown: Promise | str
    find: Callable[[Actor, UUID], Model | None]

    def to_internal_value(self, data: Any) -> Any:
        """Find the record."""
        identifier: UUID = super().to_internal_value(data)
        found = self.find(actor_of(self.context["request"]), identifier)
        if found is None:
            raise serializers.ValidationError(str(self.unknown) % {"id": identifier}, code="does_not_exist")
        return found


class VisibleLesionField(VisibleField):
    """A lesion of the actor's clinic."""

    unknown = _("There is no lesion %(id)s in your clinic.")
    find = staticmethod(find_lesion)


class VisibleVisitField(VisibleField):
    """A visit of the actor's clinic."""

    unknown = _("There is no visit %(id)s in your clinic.")
    find = staticmethod(find_visit)


class VisibleExaminationField(VisibleField):
    """An examination of the actor's clinic."""

    unknown = _("There is no examination %(id)s in your clinic.")
    find = staticmethod(find_examination)


class NamedChoiceField(serializers.ChoiceField):
    """A choice whose refusal names the choices."""

    def fail(self, key: str, **values: Any) -> NoReturn:
        """Say what may be sent."""
        if key == "invalid_choice":
            message = wording.unknown_choice_text(str(values["input"]), map(str, self.choices))
            raise serializers.ValidationError(message, code=key)
        super().fail(key, **values)


class NamedChoicesField(NamedChoiceField, serializers.MultipleChoiceField):
    """Any number of choices, sent as a field repeated."""


class UploadSerializer(serializers.Serializer[Any]):
    """A photograph to read."""

    image = serializers.FileField(
        allow_empty_file=True,  # an empty one is refused with the images, not with the fields
        max_length=None,
        help_text=format_lazy(
            _(
                "JPEG, PNG, WebP, TIFF or HEIC; at most {megabytes} MB and {megapixels} megapixels, "
                "at least {side} pixels a side."
            ),
            megabytes=LIMITS.max_bytes // MEGABYTE,
            megapixels=LIMITS.max_pixels // MEGABYTE,
            side=LIMITS.min_side,
        ),
    )
    modality = NamedChoiceField(
        choices=Modality.choices,
        default=Modality.DERMOSCOPIC,
        help_text=_("The network reads dermoscopy; a clinical photograph is kept and answered `not_assessable`."),
    )
    declared = NamedChoicesField(
        choices=Declared.choices,
        required=False,
        help_text=_(
            "Sites and states of the lesion that the network may not have learnt: repeat the field for several. "
            "Where it has not, the answer is `not_assessable` with that code as the reason."
        ),
    )
    lesion = VisibleLesionField(
        required=False, help_text=_("The lesion that it shows. Without one, a new lesion is made.")
    )
    patient_code = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=CODE_LENGTH,
        help_text=_("The clinic's code of the patient; an unknown one creates the patient."),
    )
    create_patient = serializers.BooleanField(
        default=True,
        help_text=_("`false`: refuse an unknown `patient_code`, and an upload without patient and lesion."),
        error_messages={"invalid": _("Send true or false.")},
    )
    body_site = NamedChoiceField(
        choices=BodySite.choices, required=False, allow_blank=True, help_text=_("Where a new lesion is.")
    )
    side = NamedChoiceField(
        choices=Side.choices,
        required=False,
        allow_blank=True,
        help_text=_("On which side of the body a new lesion is, the patient's own. Nothing is assumed."),
    )
    visit = VisibleVisitField(
        required=False,
        help_text=_(
            "The visit that it belongs to. Without one, the patient's visit of the day on which it was taken; a new "
            "one is made where there is none."
        ),
    )
    examination = VisibleExaminationField(
        required=False, help_text=_("The examination that it belongs to, in the place of `visit` and `lesion`.")
    )
    taken_on = serializers.DateField(
        required=False, help_text=_("The day on which it was taken, in the clinic's time zone; else today.")
    )
    device = serializers.CharField(
        required=False, allow_blank=True, max_length=DEVICE_LENGTH, help_text=_("The camera or dermatoscope.")
    )
    external_id = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=EXTERNAL_ID_LENGTH,
        help_text=_("Your own identifier of the photograph, unique in the clinic among those in use."),
    )
    attach_anyway = serializers.BooleanField(
        default=False,
        help_text=_("Keep it here although the same file lies under another lesion."),
        error_messages={"invalid": _("Send true or false.")},
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Put visit and lesion in the place of an examination, and a visit's patient in that of none."""
        examination: Examination | None = attrs.pop("examination", None)
        if examination is not None:
            for name in ("visit", "lesion"):
                if attrs.setdefault(name, getattr(examination, name)) != getattr(examination, name):
                    message = gettext("This examination is of another visit or lesion; leave one of the two out.")
                    raise serializers.ValidationError({"examination": message}, code="contradiction")
        visit: Visit | None = attrs.get("visit")
        if visit is not None and "lesion" not in attrs and not attrs.get("patient_code"):
            attrs["patient_code"] = visit.patient.code
        return attrs

    def to_internal_value(self, data: QueryDict | dict[str, Any]) -> Any:
        """Refuse a field that there is not, or one sent twice: it would be dropped in silence."""
        known = ", ".join(self.fields)
        wrong = {
            name: serializers.ErrorDetail(
                gettext("There is no such field. Known ones: %(names)s.") % {"names": known}, code="unknown_field"
            )
            for name in data
            if name not in self.fields
        } | {
            name: serializers.ErrorDetail(gettext("Send this field once."), code="repeated_field")
            for name, values in (data.lists() if isinstance(data, QueryDict) else ())  # an empty request has no form
            if name in self.fields and len(values) > 1 and not isinstance(self.fields[name], NamedChoicesField)
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)
