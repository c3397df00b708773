"""What somebody may do in a clinic: by the role of a member, by the scope of a program."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Capability(StrEnum):
    """What somebody may do in the clinic that they act for."""

    READ_RECORDS = "read_records"
    ADD_RECORDS = "add_records"
    CORRECT_RECORDS = "correct_records"
    REVIEW = "review"
    OVERSEE_RECORDS = "oversee_records"
    READ_AUDIT = "read_audit"
    MANAGE_CLINIC = "manage_clinic"
    MANAGE_MODELS = "manage_models"


class Role(models.TextChoices):
    """What a member of a clinic may do: see `CAPABILITIES`."""

    CLINICIAN = "clinician", _("Clinician")
    REVIEWER = "reviewer", _("Reviewer")
    ADMINISTRATOR = "administrator", _("Administrator")
    AUDITOR = "auditor", _("Auditor")


class Scope(models.TextChoices):
    """What a program may do, of what its owner may: see `SCOPE_CAPABILITIES`."""

    READ = "read", pgettext_lazy("what a program may do", "Read")
    UPLOAD = "upload", pgettext_lazy("what a program may do", "Send photographs")
    WRITE = "write", pgettext_lazy("what a program may do", "Read and write")


CLINICIAN_CAPABILITIES = frozenset({Capability.READ_RECORDS, Capability.ADD_RECORDS, Capability.CORRECT_RECORDS})
REVIEWER_CAPABILITIES = CLINICIAN_CAPABILITIES | {Capability.REVIEW, Capability.OVERSEE_RECORDS}
CAPABILITIES: dict[str, frozenset[Capability]] = {
    Role.CLINICIAN: CLINICIAN_CAPABILITIES,
    Role.REVIEWER: REVIEWER_CAPABILITIES,
    Role.ADMINISTRATOR: REVIEWER_CAPABILITIES | {Capability.READ_AUDIT, Capability.MANAGE_CLINIC},
    # Reads who saw and did what, and no record of a patient.
    Role.AUDITOR: frozenset({Capability.READ_AUDIT}),
}
SCOPE_CAPABILITIES: dict[str, frozenset[Capability]] = {
    Scope.READ: frozenset({Capability.READ_RECORDS}),
    # Of a camera or a gateway: whoever finds its token sees what came under its owner's name, and no other patient.
    Scope.UPLOAD: frozenset({Capability.ADD_RECORDS}),
    Scope.WRITE: CLINICIAN_CAPABILITIES,
}
"""What a program may do at most, whoever's token it has: never give an opinion, oversee or run a clinic."""
EMERGENCY_CAPABILITIES = frozenset({Capability.READ_RECORDS})
SUPERUSER_CAPABILITIES = frozenset({Capability.MANAGE_CLINIC, Capability.MANAGE_MODELS})
SYSTEM_CAPABILITIES = frozenset(Capability) - {Capability.REVIEW}
"""What commands and tasks may do, which act for nobody: all but have an opinion."""
