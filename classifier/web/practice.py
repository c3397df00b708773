"""What a clinic says of its practice: a form on the clinic page."""

from typing import Any

from django import forms
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _

from classifier.models.practice import LEAST_MALIGNANT, MALIGNANT_RANGE, MOST_MALIGNANT
from classifier.selectors.practice import practice_of
from skinsite.accounts.actors import Actor
from skinsite.accounts.panels import Panel


class ShareField(forms.DecimalField):
    """A share in per cent, written and read with the decimal sign of the reader's language, and read with the other."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(localize=True, widget=widget, **kwargs)

    def to_python(self, value: Any) -> Any:
        """Take comma and point alike."""
        return super().to_python(
            value.replace(",", get_format("DECIMAL_SEPARATOR")) if isinstance(value, str) else value
        )


class PracticeForm(forms.Form):
    """What is known of the lesions that a clinic photographs."""

    malignant_percent = ShareField(
        label=_("Malignant lesions among those photographed here (%)"),
        min_value=LEAST_MALIGNANT,
        max_value=MOST_MALIGNANT,
        max_digits=3,
        decimal_places=1,
        help_text=_(
            "The model's card says how many of 100 lesions called suspicious are malignant at this share; "
            "readings do not change. From 0.1 to 50; keep 3 if you are not sure."
        ),
        error_messages=dict.fromkeys(("min_value", "max_value", "max_digits", "max_whole_digits"), MALIGNANT_RANGE),
    )


def show_practice(actor: Actor) -> PracticeForm:
    """The form with what the actor's clinic has said."""
    return PracticeForm(initial={"malignant_percent": practice_of(actor).malignant_percent})


PRACTICE_PANEL = Panel(template="classifier/includes/practice_panel.html", make_form=show_practice)
