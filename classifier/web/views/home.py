"""The start page: what waits, a place for new photographs, the last cases."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from classifier import audit
from classifier.inference import availability
from classifier.presentation.thumbnails import name_thumbnails
from classifier.selectors.home import home_counts, latest_readings
from classifier.web.forms import UploadForm
from classifier.web.views.capture import capture_context
from skinsite.accounts.access import MemberRequest, member_required

LAST = 10


@member_required
@require_safe
def home(request: MemberRequest) -> HttpResponse:
    """Work: no welcome."""
    last = latest_readings(request.membership, count=LAST)
    photographs = name_thumbnails(request.membership, (reading.image for reading in last))
    audit.predictions_listed(actor=request.membership, shown=last, photographs=photographs)
    context = capture_context(request, UploadForm(actor=request.membership)) | {
        "counts": home_counts(request.membership),
        "last": last,
        "unavailable": availability(),
    }
    return render(request, "classifier/home.html", context)
