"""Whether a clinic's people may sign in with a password beside its directory."""

from django.db import transaction
from django.utils.translation import gettext as _

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Clinic
from skinsite.accounts.policies import require_may_manage_clinic
from skinsite.directory import audit
from skinsite.platform.problems import WrongStateError
from skinsite.settings.directories import Directory


def set_passwords_allowed(*, actor: Actor, allowed: bool, directory: Directory | None) -> Clinic:
    """Allow passwords in the actor's clinic, or refuse them; ``directory`` is by which the actor has come in.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``WrongStateError`` where passwords are
    to be refused by somebody who did not come in by the clinic's directory: the way that is left is tried first.
    """
    require_may_manage_clinic(actor, actor.clinic)
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().get(pk=actor.clinic_id)
        if clinic.passwords_allowed == allowed:
            return clinic
        if not allowed and (directory is None or clinic.slug not in directory.clinics):
            raise WrongStateError(
                _("Sign in by the directory yourself first, so that a way in is left that is known to work."),
                code="directory_untried",
            )
        clinic.passwords_allowed = allowed
        clinic.save(update_fields=["passwords_allowed"])
        record = audit.clinic_passwords_allowed if allowed else audit.clinic_passwords_refused
        record(actor=actor, about=clinic)
        return clinic
