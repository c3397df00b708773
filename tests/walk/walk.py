"""Asks everybody's every question, and compares what was shown with what the trail says of it."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse

from classifier.models import Patient
from skinsite.audit import events
from skinsite.audit.models import AuditEvent, AuditSubject, EventKind
from tests.walk.calls import Call
from tests.walk.world import World

WAYS: dict[str, dict[str, str]] = {
    "page": {"HTTP_ACCEPT": "text/html"},
    "part": {"HTTP_ACCEPT": "text/html", "HTTP_HX_REQUEST": "true"},
    "data": {"HTTP_ACCEPT": "application/json"},
}


@dataclass(frozen=True)
class Site:
    """A place in the code that writes an event: which event, from which file and line."""

    event: str
    file: str
    line: int


@dataclass
class Asked:
    """One request with what it showed: of which patients, and what the trail says of them."""

    call: Call
    role: str
    way: str
    status: int = 0
    shown: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    looked_at: set[str] = field(default_factory=set)
    sites: set[Site] = field(default_factory=set)

    def faults(self) -> list[str]:
        """What the trail conceals, and what it makes up."""
        who = f"{self.call} as {self.role}, asked for a {self.way}, answered {self.status}"
        untold, made_up = self.shown - self.named, self.looked_at - self.shown
        return [f"{who}: shows a patient, and no event says so"] * bool(untold) + [
            f"{who}: shows nothing of a patient whom an event says to have been shown"
        ] * bool(made_up)


def ask(world: World, call: Call, role: str, way: str) -> Asked:
    """Make a request, follow it to its end, and undo what it did."""
    asked = Asked(call, role, way)
    with transaction.atomic():
        last = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        with noted_sites() as sites:
            answer = _send(world, call, role, way)
            body = _without_what_was_asked(_body(answer), call)
        asked.status, asked.sites = answer.status_code, sites
        asked.shown = {patient for needle, patient in world.needles.items() if needle in body}
        told = AuditSubject.objects.filter(
            event__gt=last, record_type=Patient._meta.label, record_id__in=set(world.needles.values())
        )
        for patient, kind in told.values_list("record_id", "event__kind"):
            asked.named.add(patient)
            if kind == EventKind.ACCESS:
                asked.looked_at.add(patient)
        transaction.set_rollback(True)
    return asked


def _send(world: World, call: Call, role: str, way: str) -> HttpResponseBase:
    data: dict[str, Any] = dict(call.data)
    if "image" in data:
        data["image"] = io.BytesIO(data["image"])
        data["image"].name = "sent.jpg"
    client = world.client(role)
    options: dict[str, Any] = {**WAYS[way], "follow": True}
    if role == "program" and call.method != "get":
        options["format"] = "multipart"
    # A browser sends forms by these two alone.
    sent = data if role == "program" or call.method in {"get", "post"} else ""
    answer: HttpResponseBase = getattr(client, call.method)(call.path, sent, **options)
    return answer


def _without_what_was_asked(body: bytes, call: Call) -> bytes:
    """An answer without its own address, which pages carry for coming back: it tells nobody anything."""
    typed = [call.path, *(f"{name}={value}" for name, value in call.data.items() if isinstance(value, str))]
    for each in typed:
        body = body.replace(each.encode(), b"").replace(quote(each, safe="").encode(), b"")
    return body


def _body(answer: HttpResponseBase) -> bytes:
    if isinstance(answer, (FileResponse, StreamingHttpResponse)):
        return answer.getvalue()
    return bytes(getattr(answer, "content", b""))


@contextmanager
def noted_sites() -> Iterator[set[Site]]:
    """The places in the code by which events are written meanwhile."""
    found: set[Site] = set()
    write = events._write

    def note(kind: EventKind, name: str, entry: events.Entry) -> AuditEvent:
        found.add(site_of(name))
        return write(kind, name, entry)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "_write", note)
        yield found


@contextmanager
def without(site: Site) -> Iterator[None]:
    """As if one place in the code wrote no event."""
    write = events._write

    def forget(kind: EventKind, name: str, entry: events.Entry) -> AuditEvent:
        return AuditEvent() if site_of(name) == site else write(kind, name, entry)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "_write", forget)
        yield


def site_of(event: str) -> Site:
    """Who writes just now: the first place outside of the trail's own module and of the walk."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename in (events.__file__, __file__):
        assert frame.f_back is not None
        frame = frame.f_back
    return Site(event, frame.f_code.co_filename, frame.f_lineno)
