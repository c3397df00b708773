"""Filing put right: lesions and patients merged and parted, and the tasks that follow."""

import uuid
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from classifier import policies
from classifier.disclosure.filing import (
    find_lesion_by_number,
    find_lesion_merge,
    find_patient_merge,
    find_task,
    open_lesion_filing,
    open_other_patient,
    open_patient_filing,
)
from classifier.services.filing.lesion_merge import merge_lesions, undo_lesion_merge
from classifier.services.filing.patient_merge import merge_patients
from classifier.services.filing.patient_parting import undo_patient_merge
from classifier.services.telling import complete_task
from classifier.web.filing_forms import FindPatientForm, MergeLesionForm, MergePatientForm
from classifier.web.views.corrections import add_errors
from skinsite.accounts.access import MemberRequest, records_required
from skinsite.accounts.limits import counted

FORM = require_http_methods(["GET", "HEAD", "POST"])


@records_required
@FORM
def lesion_filing(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Merge another lesion of the patient into this one, or undo that."""
    policies.require(policies.may_correct_filing(request.membership))  # before anything is given out
    lesion, merges = open_lesion_filing(request.membership, public_id)
    form = MergeLesionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        number = form.cleaned_data["merged"]
        other = find_lesion_by_number(request.membership, lesion.patient, number)
        if other is None:
            form.add_error("merged", _("The patient has no lesion of this number."))
        else:
            reason = form.cleaned_data["reason"]
            try:
                merge_lesions(actor=request.membership, kept=lesion, merged=other, reason=reason)
            except ValidationError as error:
                add_errors(form, error)
            else:
                messages.success(request, _("The lesions are one now."))
                return redirect("lesion", lesion.public_id)
    context = {"lesion": lesion, "patient": lesion.patient, "merges": merges}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "classifier/lesion_filing.html", context | {"form": form}, status=status)


@records_required
@require_POST
def lesion_merge_undo(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Take apart what was merged."""
    merge = find_lesion_merge(request.membership, public_id)
    try:
        undo_lesion_merge(actor=request.membership, merge=merge, reason=request.POST.get("reason", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("lesion-filing", merge.kept.public_id)
    messages.success(request, _("The merge has been undone."))
    return redirect("lesion", merge.kept.public_id)


@records_required
@FORM
@counted("reads")
def patient_filing(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Merge another patient into this one, who is shown first; or undo that."""
    policies.require(policies.may_correct_filing(request.membership))  # before anything is given out
    patient, merges = open_patient_filing(request.membership, public_id)
    asked = request.POST if request.method == "POST" else request.GET
    find_form = FindPatientForm(asked if "patient_code" in asked else None)
    form = MergePatientForm(request.POST or None)
    other = None
    if find_form.is_valid():
        other = open_other_patient(request.membership, find_form.cleaned_data["patient_code"])
        if other is None:
            find_form.add_error("patient_code", _("No patient of this clinic has this code."))
        elif other.patient == patient:
            find_form.add_error("patient_code", _("This is the same patient; give the code of another."))
            other = None
    if request.method == "POST" and other is not None and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            merge_patients(actor=request.membership, kept=patient, merged=other.patient, reason=reason)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The patients are one now."))
            return redirect("patient", patient.public_id)
    return _render_patient_filing(request, patient=patient, merges=merges, find_form=find_form, form=form, other=other)


def _render_patient_filing(request: MemberRequest, **context: object) -> HttpResponse:
    forms = (context["find_form"], context["form"])
    failed = any(getattr(form, "errors", None) for form in forms)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if failed else HTTPStatus.OK
    return render(request, "classifier/patient_filing.html", context, status=status)


@records_required
@require_POST
def patient_merge_undo(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Part two patients who were merged."""
    merge = find_patient_merge(request.membership, public_id)
    try:
        undo_patient_merge(actor=request.membership, merge=merge, reason=request.POST.get("reason", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("patient-filing", merge.kept.public_id)
    messages.success(request, _("The merge has been undone."))
    return redirect("patient", merge.kept.public_id)


@records_required
@require_POST
def task_done(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Say that a task is done."""
    complete_task(actor=request.membership, task=find_task(request.membership, public_id))
    messages.success(request, _("Done. The task is off your list."))
    return redirect("home")
