"""The trail for people: everything, what a person did, what was refused. The domain adds whom its records are of."""

import csv
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django import forms
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import User
from skinsite.audit import own as audit
from skinsite.audit.looks import note_look
from skinsite.audit.models import EventKind
from skinsite.audit.refusals import refusals_of_strangers
from skinsite.audit.trail import Streams, TrailPage, events_for, narrow, people_for, read_page, reader_of

P = ParamSpec("P")

ROWS_OF_A_FILE = 5000
MINUTES_SHOWN = 50
RISKY = ("=", "+", "-", "@", "\t", "\r")  # at which a spreadsheet begins to calculate


class TrailRequest(HttpRequest):
    """A request of somebody who may read the trail."""

    reader: Actor | User


class TrailFilter(forms.Form):
    """Which days, and whose doings; its values live in the address."""

    since = forms.DateField(required=False, label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}))
    person: "forms.ModelChoiceField[User]" = forms.ModelChoiceField(
        queryset=None,
        required=False,
        to_field_name="public_id",
        label=gettext_lazy("Person"),
        empty_label=gettext_lazy("Everybody"),
    )

    def __init__(self, *args: Any, reader: Actor | User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people_for(reader)  # type: ignore[attr-defined] # a choice of models

    def values(self) -> dict[str, Any]:
        """What could be understood."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


def trail_required(
    view: Callable[Concatenate[TrailRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let in who may read the trail; ask others to sign in, or refuse them."""

    @wraps(view)
    def guarded(request: TrailRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        request.reader = reader_of(request)
        return view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value] # any request comes in


@trail_required
@require_safe
def everything(request: TrailRequest) -> HttpResponse:
    """Every event that the reader may see."""
    return show_trail(request, events_for(request.reader), question="everything", title=_("Audit trail"))


@trail_required
@require_safe
def person(request: TrailRequest, public_id: UUID) -> HttpResponse:
    """What this person did."""
    found = get_object_or_404(people_for(request.reader), public_id=public_id)
    streams = events_for(request.reader, person=found)
    title = _("What %(person)s did") % {"person": found}
    return show_trail(request, streams, question="person", title=title, about=found, context={"of_person": found})


@trail_required
@require_safe
def refused(request: TrailRequest) -> HttpResponse:
    """What was refused; to superusers also how often strangers were."""
    streams = [stream.filter(kind=EventKind.REFUSAL) for stream in events_for(request.reader)]
    counts = refusals_of_strangers()[:MINUTES_SHOWN] if isinstance(request.reader, User) else ()
    return show_trail(request, streams, question="refused", title=_("What was refused"), context={"strangers": counts})


def show_trail(
    request: TrailRequest,
    streams: Streams,
    *,
    question: str,
    title: str,
    about: Model | None = None,
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    """Answer a question of the trail as a page, or as a file where the address says so; either is on the trail.

    ``about`` is the person or the patient whom the question is about.
    """
    form = TrailFilter(request.GET, reader=request.reader)
    chosen = form.values()
    streams = narrow(streams, **chosen)
    names = not isinstance(request.reader, User)  # a superuser is told of no patient
    as_file = request.GET.get("as") == "csv"
    before = "" if as_file else request.GET.get("before", "")
    page = read_page(streams, before=before, names=names, **({"size": ROWS_OF_A_FILE} if as_file else {}))
    about = about or chosen.get("person")
    shown = [*page.shown, *([about] if about else ())]
    told: dict[str, Any] = {
        "question": question,
        "about": about,
        "rows": len(page.rows),
        "filters": chosen,
        "shown": shown,
    }
    if as_file:
        audit.trail_exported(actor=request.reader, **told)
        return _write_file(page)
    note_look(reader=request.reader, **told)
    answer = {"form": form, "page": page, "question": question, "title": title, "before": before}
    return render(request, "audit/trail.html", answer | (context or {}))


def _write_file(page: TrailPage) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    response.write("\ufeff")  # spreadsheets take it for what it is
    writer = csv.writer(response)
    writer.writerow([_("time"), _("person"), _("action"), _("object"), _("details"), _("records"), _("request")])
    for row in page.rows:
        at = timezone.localtime(row.event.at).isoformat(timespec="seconds")
        named = ", ".join(name for name, _address in row.named)
        cells = [at, row.who, row.what, row.about, row.details, named, row.event.request_id]
        writer.writerow([f"'{cell}" if cell.startswith(RISKY) else cell for cell in cells])
    return response
