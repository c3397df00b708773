"""Who people are, which clinic they work in, and with what they sign in."""

from skinsite.accounts.models.capabilities import (
    CAPABILITIES,
    SCOPE_CAPABILITIES,
    SYSTEM_CAPABILITIES,
    Capability,
    Role,
    Scope,
)
from skinsite.accounts.models.clinic import CLINIC_NAME_LENGTH, Clinic, Invitation, Membership
from skinsite.accounts.models.emergency import EMERGENCY_LASTS, REASON_LENGTH, EmergencyAccess
from skinsite.accounts.models.notice import KnownPlace, Notice, NoticeKind
from skinsite.accounts.models.person import PERSON_NAME_LENGTH, Theme, User, plain_address
from skinsite.accounts.models.program import PROGRAM_NAME_LENGTH, ApiToken, ServiceAccount

__all__ = [
    "CAPABILITIES",
    "CLINIC_NAME_LENGTH",
    "EMERGENCY_LASTS",
    "PERSON_NAME_LENGTH",
    "PROGRAM_NAME_LENGTH",
    "REASON_LENGTH",
    "SCOPE_CAPABILITIES",
    "SYSTEM_CAPABILITIES",
    "ApiToken",
    "Capability",
    "Clinic",
    "EmergencyAccess",
    "Invitation",
    "KnownPlace",
    "Membership",
    "Notice",
    "NoticeKind",
    "Role",
    "Scope",
    "ServiceAccount",
    "Theme",
    "User",
    "plain_address",
]
