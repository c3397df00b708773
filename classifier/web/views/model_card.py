"""The card of a model version: what it is for, how well it does, where it ends. All from its manifest."""

import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from classifier.presentation.model_card import evaluations_of
from classifier.presentation.practice import practice_sentence
from classifier.presentation.wording import SAFETY_SENTENCE, SEVEN_SENTENCE, class_name
from classifier.selectors.practice import practice_of
from classifier.selectors.records import model_versions
from skinsite.accounts.access import MemberRequest, records_required


@records_required
@require_safe
def model_card(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """The card of a version. Models belong to the site: every member of a clinic may read it."""
    version = get_object_or_404(model_versions(), public_id=public_id)
    context = {
        "version": version,
        "manifest": version.manifest,
        "safety_sentence": SAFETY_SENTENCE,
        "seven_sentence": SEVEN_SENTENCE,
        "practice_sentence": practice_sentence(version.manifest, practice_of(request.membership).malignant_percent),
        "evaluations": evaluations_of(version.manifest),
        "classes": [(code, class_name(code)) for code in version.manifest.get("classes", ())],
    }
    return render(request, "classifier/model.html", context)
