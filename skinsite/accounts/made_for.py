"""A form says for which clinic it was made: where that is not the acting one, nothing of it is done.

Pages carry the clinic in every form that writes (``includes/form_marks.html``) and in every request of htmx (the body
of ``base.html``). `access` asks here before any view of members is asked; the answer keeps what was typed.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.forms import ChoiceField, Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from skinsite.accounts.acting import act_for
from skinsite.accounts.actors import ActingPerson
from skinsite.accounts.doors import reach
from skinsite.accounts.middleware import forget_copies, lead_to_enrolment
from skinsite.accounts.models import User
from skinsite.accounts.second_factor import has_to_enrol
from skinsite.accounts.selectors import acting_person_in, clinic_known_to
from skinsite.platform.problems import Problem

FIELD = "made_for"
HEADER = "X-Made-For"
AGAIN = "work_in"
"""The field by which the page of the refusal sends the form once more, working in its clinic again."""
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
NEITHER_SHOWN_NOR_SENT = {FIELD, AGAIN, "csrfmiddlewaretoken"}

FORMS: list[type[Form]] = []
"""The forms of members, whose labels name what was typed; each application adds its own when it is ready."""


@dataclass(frozen=True, slots=True)
class Typed:
    """Something that was entered into a form: the field's label, where it is known, and what was entered in words."""

    label: str
    value: str


def answer_other_clinic(request: HttpRequest) -> HttpResponse | None:
    """The answer to what was made for another clinic than the acting one, or for one that it does not tell.

    None for all else, which may go on. The form of the answer itself changes the acting clinic first, and goes on
    unless that clinic wants a second factor which the person has yet to set up.
    """
    is_part = "HX-Request" in request.headers
    if request.method in SAFE and not is_part:
        return None
    acting: ActingPerson | None = getattr(request, "membership", None)
    made_for = request.POST.get(FIELD) or request.headers.get(HEADER, "")
    if acting is not None and made_for == str(acting.clinic.public_id):
        return None
    if acting is None and not made_for:
        return None  # whoever acts for no clinic is told so
    if "Authorization" in request.headers:
        return Problem(HTTPStatus.CONFLICT, _("This was made for another clinic."), "other_clinic").response()
    assert isinstance(request.user, User)  # noqa: S101 asked before
    named = _as_uuid(made_for) or UUID(int=0)
    own = acting_person_in(request.user, named, reach(request))
    if own is not None and request.POST.get(AGAIN) == made_for:
        act_for(request, own)
        forget_copies(request)
        timezone.activate(own.zone)
        # The middleware has asked for the clinic before, which may have wanted none.
        return lead_to_enrolment(request) if has_to_enrol(request) else None
    clinic = own.clinic if own else clinic_known_to(request.user, named)
    context: dict[str, object] = {"acting": acting, "clinic": clinic, "may_go_back": own is not None}
    return _as_part(request, context) if is_part else _as_page(request, context)


def _as_part(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    """In the place of what was sent, which stays on the page; what only asks has no place for it, and the page has."""
    response = render(request, "accounts/includes/other_clinic.html", context, status=HTTPStatus.CONFLICT)
    if request.method in SAFE:
        response["HX-Retarget"] = "[data-other-clinic]"
        response["HX-Reswap"] = "innerHTML"
    return response


def _as_page(request: HttpRequest, context: dict[str, object]) -> HttpResponse:
    fields = [(name, values) for name, values in request.POST.lists() if _is_kept(name)]
    context |= {
        "typed": [typed for name, values in fields for typed in _in_words(name, values)],
        "sent": [(name, value) for name, values in fields for value in values],
        "files": [file.name for _name, files in request.FILES.lists() for file in files],
    }
    return render(request, "accounts/other_clinic.html", context, status=HTTPStatus.CONFLICT)


def _is_kept(name: str) -> bool:
    return name not in NEITHER_SHOWN_NOR_SENT and "password" not in name


def _in_words(name: str, values: list[str]) -> list[Typed]:
    """What stood in a field, as the page said it; identifiers, which nobody typed, say nothing."""
    field = next((form.base_fields[name] for form in FORMS if name in form.base_fields), None)
    choices: dict[Any, Any] = (
        dict(cast("list[tuple[Any, Any]]", field.choices)) if isinstance(field, ChoiceField) else {}
    )
    words = [str(choices.get(value, value)) for value in values if value.strip() and _as_uuid(value) is None]
    if not words or (field is not None and field.widget.is_hidden):
        return []
    label = str(field.label or name) if field is not None else name
    return [Typed(label, ", ".join(words))]


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
