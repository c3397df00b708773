"""What the trail tells of itself, and of requests that were refused whatever they were about."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from skinsite.accounts.actors import Actor
from skinsite.accounts.browsers import browser_in_words, name_browser
from skinsite.accounts.models import Clinic, User
from skinsite.audit import words
from skinsite.audit.events import Entry, access, change, refusal
from skinsite.audit.models import AuditEvent

words.DETAILS.update(
    {
        "account": _("account of the machine"),
        "address": _("address"),
        "asked": _("what was asked for"),
        "browser": _("browser"),
        "command": _("command"),
        "method": _("method"),
        "question": _("question"),
    }
)
words.VALUES.update(
    {
        "about": _("who saw this patient"),
        "everything": _("everything"),
        "person": _("what this person did"),
        "refused": _("what was refused"),
    }
)
words.BRIEF["browser"] = lambda sent: browser_in_words(name_browser(sent))


@access("trail.viewed", pgettext_lazy("what was done", "viewed"), of=AuditEvent)
def trail_viewed(
    *,
    actor: Actor | User,
    question: str,
    about: Model | None,
    rows: int,
    filters: Iterable[str],
    shown: Iterable[Model],
) -> Entry:
    """Somebody looked at the trail: which of its questions they asked, about whom, and whom the answer named."""
    return Entry(actor, about, {"question": question, "rows": rows, "filters": sorted(filters)}, shown=shown)


@access("trail.exported", pgettext_lazy("what was done", "saved as a file"), of=AuditEvent)
def trail_exported(
    *,
    actor: Actor | User,
    question: str,
    about: Model | None,
    rows: int,
    filters: Iterable[str],
    shown: Iterable[Model],
) -> Entry:
    """A part of the trail left the site as a file."""
    return Entry(actor, about, {"question": question, "rows": rows, "filters": sorted(filters)}, shown=shown)


@refusal("request.refused", pgettext_lazy("what was done", "request refused"), of=Clinic)
def request_refused(*, actor: Actor | User, status: int, details: Mapping[str, Any]) -> Entry:
    """Somebody who is signed in asked for what is not there for them, may not do it, or came too often."""
    return Entry(actor, None, {"status": status, **details})


@change("command.begun", pgettext_lazy("what was done", "command begun on the server"), of=AuditEvent)
def command_begun(*, name: str, account: str) -> Entry:
    """Somebody who may run commands on the server, under an account of the machine, began one of these."""
    return Entry(None, None, {"command": name, "account": account})
