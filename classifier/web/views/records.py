"""Patients and lesions."""

import uuid
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from classifier import policies
from classifier.disclosure.records import (
    open_lesion,
    open_lesion_page,
    open_patient,
    open_patient_page,
    open_patients,
)
from classifier.models.patient import CODE_LENGTH
from classifier.presentation.examination import choose_two
from classifier.presentation.sums import sums_of
from classifier.presentation.wording import LESION_SENTENCE
from classifier.services.lesions import create_lesion, update_lesion
from classifier.services.patients import create_patient, update_patient
from classifier.web.forms import LesionForm, NewLesionForm, NewPatientForm, PatientForm
from classifier.web.views.corrections import add_errors
from classifier.web.views.readings import tell_of_code, tell_of_new_patient
from skinsite.accounts.access import MemberRequest, records_required
from skinsite.accounts.limits import counted
from skinsite.text import clean_line


@records_required
@require_safe
@counted("reads")
def patients(request: MemberRequest) -> HttpResponse:
    """The clinic's patients, those photographed last first."""
    misunderstood = [name for name, values in request.GET.lists() if len(set(values)) > 1]
    search = "" if "q" in misunderstood else clean_line(request.GET.get("q", ""))[:CODE_LENGTH]
    page = open_patients(request.membership, search=search, page=request.GET.get("page"))
    context = {"page": page, "search": search, "code_length": CODE_LENGTH, "misunderstood": misunderstood}
    return render(request, "classifier/patients.html", context)


@records_required
@require_http_methods(["GET", "HEAD", "POST"])
def patient_create(request: MemberRequest) -> HttpResponseBase:
    """Add a patient."""
    form = NewPatientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            patient = create_patient(actor=request.membership, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            tell_of_new_patient(request, patient)
            return redirect("patient", patient.public_id)
    return _render_form(request, "classifier/patient_form.html", form)


@records_required
@require_safe
def patient(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """One patient with the lesions, the most severe first."""
    found, rows = open_patient_page(request.membership, public_id)
    return render(request, "classifier/patient.html", {"patient": found, "rows": rows})


@records_required
@require_http_methods(["GET", "HEAD", "POST"])
def patient_edit(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Change what is known of a patient."""
    policies.require(policies.may_upload(request.membership))  # before anything is given out
    found = open_patient(request.membership, public_id, by="form")
    initial = {"code": found.code, "sex": found.sex, "birth_year": found.birth_year}
    form = PatientForm(request.POST or None, initial=initial)
    form.fields["code"].required = True
    form.fields["code"].help_text = _("As in your own records; no names.")
    if request.method == "POST" and form.is_valid():
        try:
            changed = update_patient(actor=request.membership, patient=found, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The patient has been changed."))
            if changed.code != found.code:
                tell_of_code(request, changed)
            return redirect("patient", found.public_id)
    return _render_form(request, "classifier/patient_form.html", form, patient=found)


@records_required
@require_http_methods(["GET", "HEAD", "POST"])
def lesion_create(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Add a lesion to a patient."""
    policies.require(policies.may_upload(request.membership))  # before anything is given out
    found = open_patient(request.membership, public_id, by="form")
    form = NewLesionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            lesion = create_lesion(actor=request.membership, patient=found, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            return redirect("lesion", lesion.public_id)
    return _render_form(request, "classifier/lesion_form.html", form, patient=found)


@records_required
@require_safe
def lesion(request: MemberRequest, public_id: uuid.UUID) -> HttpResponse:
    """One lesion: its examinations over time, each with its photographs and their readings."""
    found, page, cards = open_lesion_page(request.membership, public_id, page=request.GET.get("page"))
    beside = choose_two(cards, request.GET.get("first", ""), request.GET.get("second", ""))
    context = {
        "sums": sums_of(cards),
        "beside": beside,
        "is_beside": bool(beside) and "second" in request.GET,
        "lesion": found,
        "patient": found.patient,
        "page": page,
        "cards": cards,
        "measured": any(card.has_measures for card in cards),
        "lesion_sentence": LESION_SENTENCE,
    }
    return render(request, "classifier/lesion.html", context)


@records_required
@require_http_methods(["GET", "HEAD", "POST"])
def lesion_edit(request: MemberRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Change where a lesion is said to be, and its label."""
    policies.require(policies.may_upload(request.membership))  # before anything is given out
    found = open_lesion(request.membership, public_id, by="form")
    form = LesionForm(request.POST or None, initial={"place": found.place, "label": found.label})
    if request.method == "POST" and form.is_valid():
        try:
            update_lesion(actor=request.membership, lesion=found, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The lesion has been changed."))
            return redirect("lesion", found.public_id)
    return _render_form(request, "classifier/lesion_form.html", form, patient=found.patient, lesion=found)


def _render_form(request: MemberRequest, template: str, form: Form, **context: Any) -> HttpResponse:
    """Show a form, with 422 when it came back with errors."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, template, {"form": form, **context}, status=status)
