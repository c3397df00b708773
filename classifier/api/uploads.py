"""What the API takes: a photograph and what is known of it."""

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from classifier.anatomy.sites import Side
from classifier.api.fields import (
    KnownFields,
    NamedChoiceField,
    NamedChoicesField,
    VisibleExaminationField,
    VisibleLesionField,
    VisibleVisitField,
)
from classifier.models import BodySite, Declared, Examination, Modality, Visit
from classifier.models.image import DEVICE_LENGTH
from classifier.models.patient import CODE_LENGTH, EXTERNAL_ID_LENGTH
from ml.serve.image_limits import LIMITS, MEGABYTE


class UploadSerializer(KnownFields):
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
        required=False,
        help_text=_("The day on which it was taken, in the clinic's time zone; else what the file tells, or today."),
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
