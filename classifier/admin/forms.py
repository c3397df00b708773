"""What a reviewer fills in."""

from django import forms
from django.utils.translation import gettext_lazy as _

from classifier.models import Certainty, Diagnosis, Review


class ReviewForm(forms.Form):
    """An opinion on a reading."""

    diagnosis = forms.ChoiceField(label=_("What do you think it is?"), choices=Diagnosis, widget=forms.RadioSelect)
    certainty = forms.ChoiceField(label=_("How sure are you?"), choices=Certainty, widget=forms.RadioSelect)
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=Review._meta.get_field("comment").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Name no patient here."),
    )
