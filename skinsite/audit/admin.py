"""The audit trail, for the administrators of a clinic to look at."""

import json

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.models import Role
from skinsite.accounts.oversight import ReadOnlyAdmin, overseer
from skinsite.audit.models import AuditEvent
from skinsite.zones import write_moment


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Every event of the acting clinic. A list is all there is: an event has no page of its own."""

    views = ("changelist",)
    list_display = ("moment", "kind", "action", "actor_email", "record", "facts")
    list_display_links = None
    list_filter = ("kind", ("at", admin.DateFieldListFilter))
    search_fields = ("action", "actor_email", "object_type", "object_id", "request_id")
    search_help_text = _("Action, person, object or request")

    def may_see(self, request: HttpRequest) -> bool:
        """For administrators; what is in it is about patients, so superusers do without."""
        return overseer(request, Role.ADMINISTRATOR) is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """The clinic's events."""
        actor = overseer(request, Role.ADMINISTRATOR)
        return AuditEvent.objects.none() if actor is None else AuditEvent.objects.filter(clinic=actor.clinic_id)

    @admin.display(description=_("time"), ordering="at")
    def moment(self, event: AuditEvent) -> str:
        """To the second."""
        return write_moment(event.at, seconds=True)

    @admin.display(description=_("object"))
    def record(self, event: AuditEvent) -> str:
        """What it was about, in the reader's language; a kind of record that is no more keeps the name it had."""
        try:
            kind = str(apps.get_model(event.object_type)._meta.verbose_name)
        except (LookupError, ValueError):
            kind = event.object_type
        return f"{kind} {event.object_id}"

    @admin.display(description=_("details"))
    def facts(self, event: AuditEvent) -> str:
        """What was recorded with it, as it was: names and codes, not words."""
        facts = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in event.details.items()]
        return format_html("<code>{}</code>", ", ".join(facts)) if facts else "–"
