"""What the audit trail says, as tests ask it."""

from django.db.models import Model

from skinsite.audit.models import AuditEvent


def given_out(event: AuditEvent, of: type[Model]) -> list[str]:
    """The public ids of the records of a kind that an event names, sorted."""
    named = event.subjects.filter(record_type=of._meta.label).values_list("record_id", flat=True)
    return sorted(named)
