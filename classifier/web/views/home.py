"""The start page: what waits, a place for new photographs, the last cases."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from classifier.disclosure.readings import open_latest
from classifier.inference import availability
from classifier.selectors.home import home_counts
from classifier.web.forms import UploadForm
from classifier.web.views.capture import capture_context
from skinsite.accounts.access import MemberRequest, records_required

LAST = 10


@records_required
@require_safe
def home(request: MemberRequest) -> HttpResponse:
    """Work: no welcome."""
    last = open_latest(request.membership, count=LAST)
    context = capture_context(request, UploadForm(actor=request.membership)) | {
        "counts": home_counts(request.membership),
        "last": last,
        "unavailable": availability(),
    }
    return render(request, "classifier/home.html", context)
