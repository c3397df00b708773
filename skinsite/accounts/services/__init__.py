"""The only writers of memberships, invitations, passwords, API tokens and what clinics set."""

from skinsite.accounts.services.clinics import (
    rename_clinic,
    require_free_name,
    set_clinic_time_zone,
)
from skinsite.accounts.services.invitations import accept_invitation, find_invitation, invite_member, revoke_invitation
from skinsite.accounts.services.members import (
    change_role,
    deactivate_member,
    reactivate_member,
    revoke_member_token,
    set_own_time_zone,
)
from skinsite.accounts.services.passwords import change_password, reset_password, set_password_by_link

__all__ = [
    "accept_invitation",
    "change_password",
    "change_role",
    "deactivate_member",
    "find_invitation",
    "invite_member",
    "reactivate_member",
    "rename_clinic",
    "require_free_name",
    "reset_password",
    "revoke_invitation",
    "revoke_member_token",
    "set_clinic_time_zone",
    "set_own_time_zone",
    "set_password_by_link",
]
