"""Who saw this patient."""

import uuid

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from classifier.disclosure.trail import find_patient_of_trail, narrow_to_patient
from classifier.models.patient import CODE_LENGTH
from skinsite.accounts.models import User
from skinsite.audit.trail import events_for
from skinsite.audit.views import TrailRequest, show_trail, trail_required
from skinsite.text import clean_line


@trail_required
@require_safe
def find_patient(request: TrailRequest) -> HttpResponseBase:
    """Ask for the code of the patient whom the trail is asked about."""
    if isinstance(request.reader, User):
        raise Http404
    code = clean_line(request.GET.get("code", ""))[:CODE_LENGTH]
    found = find_patient_of_trail(request.reader, code=code)
    if found is not None:
        return redirect("trail-patient", found.public_id)
    context = {"code": code, "code_length": CODE_LENGTH, "question": "about", "title": _("Who saw a patient")}
    return render(request, "classifier/trail_patient.html", context)


@trail_required
@require_safe
def patient(request: TrailRequest, public_id: uuid.UUID) -> HttpResponse:
    """Who saw this patient, and what was changed."""
    found = None if isinstance(request.reader, User) else find_patient_of_trail(request.reader, public_id=public_id)
    if found is None:
        raise Http404
    streams = narrow_to_patient(events_for(request.reader), found)
    title = _("Who saw patient %(code)s") % {"code": found.code}
    return show_trail(request, streams, question="about", title=title, about=found)
