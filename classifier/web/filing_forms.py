"""Forms by which filing is put right."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from classifier.models.patient import CODE_LENGTH
from classifier.web.forms import ReasonForm


class WhyForm(ReasonForm):
    """A reason that is kept with what was done."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("Kept with your name and the time.")


class MergeLesionForm(WhyForm):
    """Which other lesion of the patient is this one."""

    merged = forms.IntegerField(
        label=_("Number of the other lesion"),
        min_value=1,
        help_text=_("Its photographs come to this lesion, and its number leads here."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    field_order = ["merged", "reason"]


class FindPatientForm(forms.Form):
    """Who else this patient is."""

    patient_code = forms.CharField(
        label=_("Code of the other patient"),
        max_length=CODE_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class MergePatientForm(WhyForm):
    """Why two patients are one; the code is asked before."""

    merged = forms.CharField(required=False, widget=forms.HiddenInput)
