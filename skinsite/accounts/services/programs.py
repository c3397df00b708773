"""Service accounts of a clinic: opened with a first token, given another in its place, ended."""

import uuid
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import ApiToken, Clinic, ServiceAccount
from skinsite.accounts.policies import require_may_manage_clinic
from skinsite.accounts.tokens import USUAL_DAYS, check_days, check_scope, clean_program_name, refuse_made
from skinsite.idempotency import row_id
from skinsite.text import fold_line

MOST_SERVICES = 50
TOKENS_AT_ONCE = 2
"""While one takes the other's place: a third would be one that nobody remembers."""


def open_service(
    *, actor: Actor, name: str, scope: str, days: int = USUAL_DAYS, once: uuid.UUID | None = None
) -> tuple[ApiToken, str]:
    """Give a program of the actor's clinic an account and its first token, whose text is told this once.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` by field, also for a
    name that another service account or a member of the clinic has.
    """
    require_may_manage_clinic(actor, actor.clinic)
    name, scope, lifetime = clean_program_name(name), check_scope(scope), check_days(days)
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().get(pk=actor.clinic_id)
        public_id = row_id(once, actor, name, scope, days)
        refuse_made(ServiceAccount.objects.filter(public_id=public_id))
        _require_free_name(clinic, name)
        service = ServiceAccount.objects.create(
            public_id=public_id, clinic=clinic, name=name, scope=scope, created_by=actor.user
        )
        audit.service_opened(actor=actor, about=service)
        return _make_token(actor, service, lifetime)


def renew_service_token(
    *, actor: Actor, service: ServiceAccount, days: int = USUAL_DAYS, old_ends: datetime, once: uuid.UUID | None = None
) -> tuple[ApiToken, str]:
    """Make a service account's next token, told this once; the one before works until ``old_ends``, or its own end.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` by field; also where
    two tokens work already, and for an account that is ended.
    """
    require_may_manage_clinic(actor, service.clinic)
    lifetime = check_days(days)
    with transaction.atomic():
        service = _locked(service)
        public_id = row_id(once, actor, service.pk, days, old_ends)
        refuse_made(ApiToken.objects.filter(public_id=public_id))
        if service.ended_at is not None:
            raise ValidationError(_("This service account is ended."), code="ended")
        now = timezone.now()
        working = service.api_tokens.filter(expiry__gt=now)
        if working.count() >= TOKENS_AT_ONCE:
            raise ValidationError(_("Two tokens work already: revoke one of them first."), code="too_many")
        working.filter(expiry__gt=old_ends).update(expiry=max(old_ends, now))
        service.api_tokens.filter(expiry__lte=now).delete()
        return _make_token(actor, service, lifetime, public_id)


def end_service(*, actor: Actor, service: ServiceAccount) -> None:
    """End a service account for good, and its tokens at once; what it did stays under its name.

    Raises ``PermissionDenied`` unless the actor administers the clinic.
    """
    require_may_manage_clinic(actor, service.clinic)
    with transaction.atomic():
        service = _locked(service)
        if service.ended_at is None:
            service.ended_at = timezone.now()
            service.save(update_fields=["ended_at"])
            ended = service.api_tokens.filter(expiry__gt=service.ended_at).count()
            service.api_tokens.all().delete()
            audit.service_ended(actor=actor, about=service, api_tokens_ended=ended)


def _make_token(
    actor: Actor, service: ServiceAccount, lifetime: timedelta, public_id: uuid.UUID | None = None
) -> tuple[ApiToken, str]:
    token, key = ApiToken.objects.create(
        None,
        expiry=lifetime,
        public_id=public_id or uuid.uuid4(),
        service=service,
        name=service.name,
        scope=service.scope,
    )
    audit.api_token_created(actor=actor, about=token, clinic=service.clinic)
    return token, str(key)


def _locked(service: ServiceAccount) -> ServiceAccount:
    """The account as it is now, held until the transaction ends."""
    return ServiceAccount.objects.select_for_update().get(pk=service.pk)


def _require_free_name(clinic: Clinic, name: str) -> None:
    services = clinic.services.filter(ended_at=None).values_list("name", flat=True)
    if len(services) >= MOST_SERVICES:
        text = _("This clinic has %(count)s service accounts already. End one that is not used any more.")
        raise ValidationError(text % {"count": MOST_SERVICES}, code="too_many")
    people = clinic.memberships.values_list("user__name", flat=True)
    if fold_line(name) in map(fold_line, [*services, *people]):
        text = _("A colleague or another service account of this clinic has this name; choose another.")
        raise ValidationError({"name": text}, code="unique")
