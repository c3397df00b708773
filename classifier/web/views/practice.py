"""What a clinic says of its practice, on the clinic page."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from classifier.services.practice import set_malignant_percent
from classifier.web.practice import PRACTICE_PANEL, PracticeForm
from skinsite.accounts.access import MemberRequest, administrator_required
from skinsite.accounts.views.clinic import show_clinic


@administrator_required
@require_POST
def set_practice(request: MemberRequest) -> HttpResponse:
    """Set how many of the lesions photographed here are malignant."""
    form = PracticeForm(request.POST)
    if not form.is_valid():
        return show_clinic(request, panel_form=(PRACTICE_PANEL, form), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    set_malignant_percent(actor=request.membership, **form.cleaned_data)
    messages.success(request, _("The share of malignant lesions is set."))
    return redirect("clinic")
