"""What a reviewer fills in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from classifier.models import Certainty, Diagnosis
from classifier.models.review import COMMENT_LENGTH, OTHER_LENGTH
from skinsite.idempotency import OnceForm


class ReviewForm(OnceForm):
    """An opinion on a reading."""

    diagnosis = forms.ChoiceField(label=_("What do you think it is?"), choices=Diagnosis, widget=forms.RadioSelect)
    other = forms.CharField(
        label=_("Which other diagnosis"), required=False, max_length=OTHER_LENGTH, help_text=_("for “Other”")
    )
    certainty = forms.ChoiceField(label=_("How sure are you?"), choices=Certainty, widget=forms.RadioSelect)
    comment = forms.CharField(
        label=_("Comment"),
        required=False,
        max_length=COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Do not name the patient here."),
    )

    def clean(self) -> dict[str, Any]:
        """Ask which, where it is another; it becomes the first line of the comment."""
        cleaned = super().clean() or self.cleaned_data
        other = cleaned.pop("other", "").strip()
        if cleaned.get("diagnosis") != Diagnosis.OTHER:
            if other:
                self.add_error("other", _("Choose “Other” above, or leave this empty."))
        elif not other and "other" not in self.errors:
            self.add_error("other", _("Say which other diagnosis you think of."))
        else:
            cleaned["comment"] = "\n".join(filter(None, [other, cleaned.get("comment", "")]))
        return cleaned
