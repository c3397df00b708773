"""What the API takes: a photograph and what is known of it."""

from typing import Any, NoReturn
from uuid import UUID

from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from classifier.api.actor import actor_of
from classifier.models import BodySite, Declared, Lesion, Modality
from classifier.models.patient import CODE_LENGTH
from classifier.presentation import wording
from classifier.selectors.records import find_lesion
from ml.serve.image_limits import LIMITS, MEGABYTE


class VisibleLesionField(serializers.UUIDField):
    """The identifier of a lesion of the actor's clinic; another clinic's does not exist."""

    default_error_messages = {"does_not_exist": _("There is no lesion %(lesion)s in your clinic.")}

    def to_internal_value(self, data: Any) -> Lesion:  # type: ignore[override] # the field gives the lesion itself
        """Find the lesion."""
        identifier: UUID = super().to_internal_value(data)
        lesion = find_lesion(actor_of(self.context["request"]), identifier)
        if lesion is None:
            message = str(self.error_messages["does_not_exist"]) % {"lesion": identifier}
            raise serializers.ValidationError(message, code="does_not_exist")
        return lesion


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
    attach_anyway = serializers.BooleanField(
        default=False,
        help_text=_("Keep it here although the same file lies under another lesion."),
        error_messages={"invalid": _("Send true or false.")},
    )

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
