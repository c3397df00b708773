"""The start page: what waits, a place for new photographs, the last cases."""

from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from classifier.disclosure.filing import open_tasks
from classifier.disclosure.readings import open_latest
from classifier.inference import availability
from classifier.selectors.home import home_counts
from classifier.web.forms import UploadForm
from classifier.web.views.capture import capture_context
from skinsite.accounts.access import MemberRequest, member_required
from skinsite.accounts.policies import may_see_records

LAST = 10


@member_required
@require_safe
def home(request: MemberRequest) -> HttpResponseBase:
    """Work: no welcome. An auditor's is the trail."""
    if not may_see_records(request.membership):
        return redirect("trail")
    last = open_latest(request.membership, count=LAST)
    context = capture_context(request, UploadForm(actor=request.membership)) | {
        "counts": home_counts(request.membership),
        "last": last,
        "tasks": open_tasks(request.membership),
        "unavailable": availability(),
    }
    return render(request, "classifier/home.html", context)
