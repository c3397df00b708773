"""Forms for people. They check shape and visibility; the services decide."""

from collections.abc import Callable
from functools import cache, cached_property, partial
from itertools import chain
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.choices import CallableChoiceIterator
from django.utils.translation import gettext_lazy as _

from classifier.disclosure.records import offer_lesions
from classifier.models import BodySite, Declared, Lesion, Modality, Outcome, Patient, Sex, Standing, Status
from classifier.models.image import REASON_LENGTH
from classifier.models.lesion import LABEL_LENGTH
from classifier.models.patient import CODE_LENGTH
from classifier.models.photograph import NAME_LENGTH
from classifier.presentation.wording import lesion_title, unknown_choice_text
from classifier.selectors.history import EVERY_STANDING
from classifier.selectors.records import find_lesion
from classifier.services.patients import find_patient
from classifier.web.body_map import PlaceField
from ml.serve.image_limits import UPLOAD_SUFFIXES
from skinsite.accounts.actors import Actor
from skinsite.idempotency import OnceForm

ACCEPTED = ",".join((*UPLOAD_SUFFIXES, *chain.from_iterable(UPLOAD_SUFFIXES.values())))
"""Types and, for a browser that knows no type for a file, suffixes."""


class LesionChoice(forms.UUIDField):
    """A lesion of the actor's clinic by its public id; empty means a new one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, label=_("Lesion"), widget=forms.Select(), **kwargs)

    def offer(self, find: Callable[[], list[Lesion]]) -> None:
        """Fill the list, a new lesion first; lesions are looked for when the list is first drawn."""

        @cache
        def options() -> list[tuple[str, Any]]:
            return [("", _("New lesion")), *((str(lesion.public_id), lesion_title(lesion)) for lesion in find())]

        self.widget.choices = CallableChoiceIterator(options)


class PlaceForm(forms.Form):
    """Which lesion of which patient a photograph belongs to."""

    patient_code = forms.CharField(
        label=_("Patient code"),
        required=False,
        max_length=CODE_LENGTH,
        help_text=_("Of a patient who is here already, or of a new one."),
    )
    lesion = LesionChoice()
    body_site = forms.ChoiceField(label=_("Body site of a new lesion"), required=False, choices=BodySite)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor
        self.find_lesions: Callable[[str], list[Lesion]] = partial(offer_lesions, actor)
        self.fields["body_site"].initial = BodySite.UNKNOWN
        field = self.fields["lesion"]
        assert isinstance(field, LesionChoice)  # noqa: S101 declared above
        field.offer(lambda: self.offered_lesions)

    @cached_property
    def offered_lesions(self) -> list[Lesion]:
        """The lesions of the patient whose code stands in the form: drawn, they are given out."""
        return self.find_lesions(str(self["patient_code"].value() or ""))

    def clean_lesion(self) -> Lesion | None:
        """Give the lesion; one of another clinic is as unknown as none."""
        public_id = self.cleaned_data["lesion"]
        if public_id is None:
            return None
        lesion = find_lesion(self.actor, public_id)
        if lesion is None:
            raise forms.ValidationError(_("There is no such lesion in this clinic."), code="does_not_exist")
        return lesion


class DeclaredChoice(forms.MultipleChoiceField):
    """Sites and states of a lesion that the network has perhaps not learnt; none is as good."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            label=_("Special site or state"),
            choices=Declared,
            widget=forms.CheckboxSelectMultiple,
            help_text=_("Tick what applies: where the network has not learnt it, it says so and does not guess."),
            **kwargs,
        )

    def validate(self, value: Any) -> None:
        """Refuse an unknown code, and name those that there are."""
        for code in value:
            if not self.valid_value(code):
                raise forms.ValidationError(unknown_choice_text(code, Declared.values), code="invalid_choice")


class UploadForm(PlaceForm):
    """What is said about photographs when they are sent."""

    new_patient = forms.BooleanField(
        required=False, label=_("New patient"), help_text=_("Without a code, one is made up.")
    )
    modality = forms.ChoiceField(
        label=_("Kind of photograph"), choices=Modality, initial=Modality.DERMOSCOPIC, widget=forms.RadioSelect
    )
    declared = DeclaredChoice()
    attach_anyway = forms.BooleanField(required=False, widget=forms.HiddenInput)

    field_order = ["modality", "patient_code", "new_patient", "lesion", "body_site", "declared"]


class ReasonForm(forms.Form):
    """A correction, with its reason."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept with the photograph, with your name and the time."),
    )


class ModalityForm(ReasonForm):
    """How a photograph was really taken; told by the page, so that sending it twice does not turn it back."""

    modality = forms.ChoiceField(label=_("Kind of photograph"), choices=Modality, widget=forms.HiddenInput)


class DeclaredForm(ReasonForm):
    """What the lesion really is of the sites and states that may be declared."""

    declared = DeclaredChoice()

    field_order = ["declared", "reason"]


class MoveForm(PlaceForm, ReasonForm, OnceForm):
    """Move a photograph to another lesion."""

    patient_code = forms.CharField(
        label=_("Patient code"), max_length=CODE_LENGTH, help_text=_("The patient must be known already.")
    )
    patient: Patient | None = None

    field_order = ["patient_code", "lesion", "body_site", "reason"]

    def clean_patient_code(self) -> str:
        """Refuse a code that the clinic does not know: a move makes no patient."""
        code = str(self.cleaned_data["patient_code"])
        self.patient = find_patient(actor=self.actor, code=code)
        if self.patient is None:
            raise forms.ValidationError(_("No patient of this clinic has this code."), code="does_not_exist")
        return code

    def clean(self) -> dict[str, Any]:
        """Refuse a lesion that is not of the patient."""
        cleaned = super().clean() or self.cleaned_data
        lesion = cleaned.get("lesion")
        if lesion is not None and self.patient is not None and lesion.patient_id != self.patient.pk:
            self.add_error("lesion", _("This lesion is not of that patient."))
        return cleaned


class PatientForm(forms.Form):
    """A patient, under a code."""

    code = forms.CharField(
        label=_("Patient code"),
        max_length=CODE_LENGTH,
        required=False,
        help_text=_("As in your own records; no names. Without one, a code is made up."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    sex = forms.ChoiceField(label=_("Sex"), choices=Sex, initial=Sex.UNKNOWN)
    birth_year = forms.IntegerField(
        label=_("Year of birth"),
        required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class NewPatientForm(OnceForm, PatientForm):
    """A patient yet to be."""


class LesionForm(forms.Form):
    """Where a lesion is, and what it is called."""

    place = PlaceField(label=_("Where on the body?"), required=False)
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=LABEL_LENGTH,
        help_text=_("For telling it from the patient's other lesions."),
    )


class NewLesionForm(OnceForm, LesionForm):
    """A lesion yet to be."""


# Without one of them the history lists what counts.
STANDINGS = [
    (Standing.SUPERSEDED.value, _("Superseded")),
    (Standing.ENTERED_IN_ERROR.value, Standing.ENTERED_IN_ERROR.label),
    (EVERY_STANDING, _("With those that do not count")),
]


class HistoryFilter(forms.Form):
    """What the history shows; its values live in the address."""

    q = forms.CharField(required=False, max_length=NAME_LENGTH, strip=True)  # the longest thing that it looks in
    outcome = forms.ChoiceField(required=False, choices=[("", ""), *Outcome.choices])
    status = forms.ChoiceField(required=False, choices=[("", ""), *Status.choices])
    modality = forms.ChoiceField(required=False, choices=[("", ""), *Modality.choices])
    reviewed = forms.ChoiceField(required=False, choices=[("", ""), ("yes", ""), ("no", "")])
    standing = forms.ChoiceField(required=False, choices=[("", ""), *STANDINGS])
    since = forms.DateField(required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))

    def values(self) -> dict[str, Any]:
        """Give what could be understood; what could not be is left out, and said by the form's errors."""
        self.is_valid()
        repeated = self._repeated()
        return {name: value for name, value in self.cleaned_data.items() if value and name not in repeated}

    def misunderstood(self) -> list[str]:
        """The names in the address that are no filter, have no such value, or are repeated, in the order given."""
        known = {*self.fields, "page"}
        return [name for name in self.data if name not in known or name in self.errors or name in self._repeated()]

    def _repeated(self) -> list[str]:
        """Filters given several values, of which one would be followed and the others dropped in silence."""
        data = cast("QueryDict", self.data)
        return [name for name, values in data.lists() if len(set(values)) > 1]
