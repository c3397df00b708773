"""Clinics: opened by the system or by a superuser with an invitation for the first administrator; what they set."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic, Invitation, Role
from skinsite.accounts.policies import require_may_manage_clinic
from skinsite.accounts.services.invitations import invite_member
from skinsite.text import clean_line, fold_line


def open_clinic(*, name: str, administrator_email: str) -> tuple[Invitation, str]:
    """Open a clinic and invite its first administrator: gives the invitation and its secret, which is told this once.

    Raises ``ValidationError`` by field, also for a name that a clinic has already.
    """
    with transaction.atomic():
        name = clean_line(name)
        require_free_name(name)
        clinic = Clinic(name=name, slug=_free_slug(name))
        clinic.full_clean()
        clinic.save()
        audit.clinic_created(actor=None, about=clinic)
        return invite_member(actor=None, email=administrator_email, role=Role.ADMINISTRATOR, clinic=clinic)


def require_free_name(name: str, *, clinic: Clinic | None = None) -> None:
    """Refuse a name that another clinic than ``clinic`` has, in whatever case and encoding."""
    others = Clinic.objects.all() if clinic is None else Clinic.objects.exclude(pk=clinic.pk)
    if fold_line(name) in map(fold_line, others.values_list("name", flat=True)):
        raise ValidationError({"name": _("There is a clinic of this name already; choose another.")}, code="unique")


def rename_clinic(*, actor: Actor, name: str) -> Clinic:
    """Give the actor's clinic another name. Its short name, which other systems may know, stays.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` by field, also for a
    name that another clinic has.
    """
    require_may_manage_clinic(actor, actor.clinic)
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().get(pk=actor.clinic_id)
        before, clinic.name = clinic.name, clean_line(name)
        if before == clinic.name:
            return clinic
        require_free_name(clinic.name, clinic=clinic)
        _clean_only(clinic, "name")
        clinic.save(update_fields=["name"])
        audit.clinic_renamed(actor=actor, about=clinic, before=before, after=clinic.name)
        return clinic


def set_clinic_time_zone(*, actor: Actor, time_zone: str) -> Clinic:
    """Set the zone in which the days of the actor's clinic are counted; empty for the site's.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` by field, for a name
    that is no zone's.
    """
    require_may_manage_clinic(actor, actor.clinic)
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().get(pk=actor.clinic_id)
        before, clinic.time_zone = clinic.time_zone, time_zone
        if before == time_zone:
            return clinic
        _clean_only(clinic, "time_zone")
        clinic.save(update_fields=["time_zone"])
        audit.clinic_time_zone_set(actor=actor, about=clinic, before=before, after=time_zone)
        return clinic


def _clean_only(clinic: Clinic, field: str) -> None:
    """Check the field that is set: what another one has kept may be wrong here, such as a zone of a newer list."""
    clinic.clean_fields(exclude={each.name for each in Clinic._meta.get_fields()} - {field})


def _free_slug(name: str) -> str:
    """A short name from the name's Latin letters, numbered where it is taken."""
    base = slugify(name)[:40] or "clinic"
    taken = set(Clinic.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(slug for slug in candidates if slug not in taken)
