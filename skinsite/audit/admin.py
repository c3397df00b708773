"""The audit trail, for the administrators of a clinic to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.models import Capability
from skinsite.accounts.oversight import ReadOnlyAdmin, overseer
from skinsite.audit.looks import note_look
from skinsite.audit.models import AuditEvent
from skinsite.audit.words import (
    action_in_words,
    actor_in_words,
    details_in_words,
    kind_in_words,
    name_subjects,
    records_in_details,
)
from skinsite.paging import WalkingPaginator
from skinsite.zones import write_moment


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Every event of the acting clinic. A list is all there is: an event has no page of its own."""

    views = ("changelist",)
    paginator = WalkingPaginator
    sortable_by = ("moment",)
    list_display = ("moment", "kind", "what", "who", "record", "facts")
    list_display_links = None
    list_select_related = ("payload",)
    list_filter = ("kind", ("at", admin.DateFieldListFilter))
    search_fields = (
        "action",
        "actor_email",
        "actor_name",
        "object_type",
        "object_id",
        "request_id",
        "payload__details",
    )
    search_help_text = _("Action, person, object or request")

    def may_see(self, request: HttpRequest) -> bool:
        """For administrators; what is in it is about patients, so superusers do without."""
        return overseer(request, Capability.READ_AUDIT) is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """The clinic's events."""
        actor = overseer(request, Capability.READ_AUDIT)
        events: QuerySet[AuditEvent] = super().get_queryset(request)
        return events.none() if actor is None else events.filter(clinic=actor.clinic_id)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, each event with the name of what it is about."""
        response = super().changelist_view(request, extra_context)
        shown = (getattr(response, "context_data", None) or {}).get("cl")
        if shown is not None:
            events = list(shown.result_list)
            name_subjects(events)
            shown.result_list = events
            named = [event.subject for event in events if isinstance(event.subject, Model)]
            actor = overseer(request, Capability.READ_AUDIT)
            if actor is not None:
                note_look(reader=actor, question="everything", rows=len(events), filters=shown.params, shown=named)
        return response

    @admin.display(description=_("action"))
    def what(self, event: AuditEvent) -> str:
        """What was done, in words; the code, which other systems know, is in its title."""
        return format_html('<span title="{}">{}</span>', event.action, action_in_words(event.action))

    @admin.display(description=_("actor"))
    def who(self, event: AuditEvent) -> str:
        """The person by their address, or the program by its name."""
        return actor_in_words(event)

    @admin.display(description=_("time"), ordering="at")
    def moment(self, event: AuditEvent) -> str:
        """To the second."""
        return write_moment(event.at, seconds=True)

    @admin.display(description=_("object"))
    def record(self, event: AuditEvent) -> str:
        """What it was about: the kind of record and by what name it goes; its identifier in full is in the title."""
        subject = getattr(event, "subject", "")
        words = " ".join(filter(None, [kind_in_words(event.object_type), str(subject) or event.object_id[:8]]))
        return format_html('<span title="{}">{}</span>', event.object_id, words)

    @admin.display(description=_("details"))
    def facts(self, event: AuditEvent) -> SafeString:
        """What was recorded with it; the records of a list by their identifiers, folded."""
        lists = format_html_join(
            "",
            "<details><summary>{}: {}</summary>{}</details>",
            (
                (words, len(ids), format_html_join(" ", "{}", ((each,) for each in ids)))
                for words, ids in records_in_details(event.details)
            ),
        )
        return format_html("{}{}", details_in_words(event.details) or ("" if lists else "–"), lists)
