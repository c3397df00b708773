"""What the audit trail tells of accounts: clinics, members, invitations, tokens, passwords and signing in."""

from collections.abc import Mapping, Sequence

from django.utils.translation import pgettext_lazy

from skinsite.accounts.actors import Actor
from skinsite.accounts.models import ApiToken, Clinic, EmergencyAccess, Invitation, Membership, ServiceAccount, User
from skinsite.audit.events import Entry, access, change, refusal

Client = Mapping[str, str]
"""Whence somebody came: ``address`` and ``browser``, as `lockout.describe_client` gives them."""


def _changed_fields(fields: Sequence[str] | None) -> dict[str, list[str]]:
    """Of a form in the admin: which fields, and not what stood in them."""
    return {} if fields is None else {"fields": list(fields)}


@change("clinic.created", pgettext_lazy("what was done", "created"), of=Clinic)
def clinic_created(*, actor: User | None, about: Clinic, fields: Sequence[str] | None = None) -> Entry:
    """A clinic was opened; ``fields`` are those of the admin's form."""
    return Entry(actor, about, _changed_fields(fields), clinic=about)


@change("clinic.updated", pgettext_lazy("what was done", "changed"), of=Clinic)
def clinic_updated(*, actor: User | None, about: Clinic, fields: Sequence[str]) -> Entry:
    """A superuser changed a clinic."""
    return Entry(actor, about, _changed_fields(fields), clinic=about)


@change("clinic.renamed", pgettext_lazy("what was done", "renamed"), of=Clinic)
def clinic_renamed(*, actor: Actor, about: Clinic, before: str, after: str) -> Entry:
    """A clinic's administrator gave it another name."""
    return Entry(actor, about, {"before": before, "after": after})


@change("clinic.time_zone_set", pgettext_lazy("what was done", "time zone set"), of=Clinic)
def clinic_time_zone_set(*, actor: Actor, about: Clinic, before: str, after: str) -> Entry:
    """A clinic's administrator set the zone of its days."""
    return Entry(actor, about, {"before": before, "after": after})


@change("clinic.second_factor_set", pgettext_lazy("what was done", "second factor asked for or not"), of=Clinic)
def clinic_second_factor_set(*, actor: Actor, about: Clinic, required: bool) -> Entry:
    """A clinic's administrator asked a second factor of everybody, or no longer."""
    return Entry(actor, about, {"required": required})


@access("clinic.switched_to", pgettext_lazy("what was done", "chosen to work in"), of=Clinic)
def clinic_switched_to(*, actor: Actor, about: Clinic) -> Entry:
    """Somebody chose another of their clinics to act for."""
    return Entry(actor, about)


@change("membership.created", pgettext_lazy("what was done", "created"), of=Membership)
def membership_created(
    *, actor: User | None, about: Membership, role: str | None = None, fields: Sequence[str] | None = None
) -> Entry:
    """A person became a member without an invitation: by a superuser, or in the demonstration clinic."""
    details = _changed_fields(fields) if role is None else {"role": role}
    return Entry(actor, about, details, clinic=about.clinic)


@change("membership.role_changed", pgettext_lazy("what was done", "role changed"), of=Membership)
def membership_role_changed(*, actor: Actor | User | None, about: Membership, before: str, after: str) -> Entry:
    """A member got another role."""
    return Entry(actor, about, {"before": before, "after": after}, clinic=about.clinic)


@change("membership.deactivated", pgettext_lazy("what was done", "access ended"), of=Membership)
def membership_deactivated(*, actor: Actor | User | None, about: Membership, api_tokens_ended: int) -> Entry:
    """A member's access ended, and so many API tokens with it."""
    return Entry(actor, about, {"api_tokens_ended": api_tokens_ended}, clinic=about.clinic)


@change("membership.reactivated", pgettext_lazy("what was done", "access given again"), of=Membership)
def membership_reactivated(*, actor: Actor | User | None, about: Membership) -> Entry:
    """A former member got access again."""
    return Entry(actor, about, clinic=about.clinic)


@change("emergency_access.granted", pgettext_lazy("what was done", "granted"), of=EmergencyAccess)
def emergency_access_granted(*, actor: Actor | None, about: EmergencyAccess) -> Entry:
    """An account may read a clinic's records for some hours. Why stands in the clinic's list, and not here for good."""
    details = {"email": about.user.email, "ends_at": about.ends_at.isoformat(timespec="minutes")}
    return Entry(actor, about, details, clinic=about.clinic)


@change("emergency_access.ended", pgettext_lazy("what was done", "ended early"), of=EmergencyAccess)
def emergency_access_ended(*, actor: Actor | User | None, about: EmergencyAccess) -> Entry:
    """It was ended before its time, by its person or by an administrator."""
    return Entry(actor, about, {"email": about.user.email}, clinic=about.clinic)


@change("invitation.created", pgettext_lazy("what was done", "created"), of=Invitation)
def invitation_created(*, actor: Actor | None, about: Invitation) -> Entry:
    """A person was invited."""
    return Entry(actor, about, {"email": about.email, "role": about.role}, clinic=about.clinic)


@change("invitation.accepted", pgettext_lazy("what was done", "accepted"), of=Invitation)
def invitation_accepted(*, actor: Membership, about: Invitation) -> Entry:
    """A person joined by an invitation, as the actor."""
    return Entry(actor, about, {"role": actor.role}, clinic=about.clinic)


@change("invitation.revoked", pgettext_lazy("what was done", "revoked"), of=Invitation)
def invitation_revoked(*, actor: Actor | None, about: Invitation) -> Entry:
    """An invitation was withdrawn."""
    return Entry(actor, about, clinic=about.clinic)


@change("service.opened", pgettext_lazy("what was done", "opened"), of=ServiceAccount)
def service_opened(*, actor: Actor, about: ServiceAccount) -> Entry:
    """A program of a clinic got an account of its own."""
    return Entry(actor, about, {"name": about.name, "scope": about.scope})


@change("service.ended", pgettext_lazy("what was done", "ended"), of=ServiceAccount)
def service_ended(*, actor: Actor, about: ServiceAccount, api_tokens_ended: int) -> Entry:
    """A service account ended, and so many API tokens with it."""
    return Entry(actor, about, {"name": about.name, "api_tokens_ended": api_tokens_ended})


@change("api_token.created", pgettext_lazy("what was done", "created"), of=ApiToken)
def api_token_created(*, actor: Actor | None, about: ApiToken, clinic: Clinic) -> Entry:
    """A key of the API was made."""
    return Entry(actor, about, {**_of_token(about), "scope": about.scope}, clinic=clinic)


@change("api_token.revoked", pgettext_lazy("what was done", "revoked"), of=ApiToken)
def api_token_revoked(*, actor: Actor | None, about: ApiToken, clinic: Clinic) -> Entry:
    """A key of the API ended before its time."""
    return Entry(actor, about, _of_token(about), clinic=clinic)


def _of_token(token: ApiToken) -> dict[str, str]:
    """Whose it is, and what it is called."""
    owner = {"for_email": token.user.email} if token.user else {"for_service": str(token.service)}
    return {**owner, "name": token.name}


@change("user.created", pgettext_lazy("what was done", "created"), of=User)
def user_created(*, actor: User | None, about: User, fields: Sequence[str]) -> Entry:
    """A superuser added a person."""
    return Entry(actor, about, _changed_fields(fields))


@change("user.updated", pgettext_lazy("what was done", "changed"), of=User)
def user_updated(*, actor: User | None, about: User, fields: Sequence[str]) -> Entry:
    """A superuser changed a person."""
    return Entry(actor, about, _changed_fields(fields))


@change("user.renamed", pgettext_lazy("what was done", "renamed"), of=User)
def user_renamed(*, about: User, before: str, after: str) -> Entry:
    """A person gave themself another name, under which all that they said is shown from then on."""
    return Entry(about, about, {"before": before, "after": after})


@change("user.time_zone_set", pgettext_lazy("what was done", "time zone set"), of=User)
def user_time_zone_set(*, about: User, before: str, after: str) -> Entry:
    """A person set the zone in which they read times."""
    return Entry(about, about, {"before": before, "after": after})


@change("user.preferences_set", pgettext_lazy("what was done", "language or theme set"), of=User)
def user_preferences_set(*, about: User, changed: Mapping[str, str]) -> Entry:
    """A person chose in which language and colours they work."""
    return Entry(about, about, changed)


@change("user.password_reset", pgettext_lazy("what was done", "password reset"), of=User)
def user_password_reset(
    *, actor: Actor | User | None, about: User, clinic: Clinic | None, api_tokens_ended: int
) -> Entry:
    """A person's password was taken away, and so many API tokens ended with it."""
    return Entry(actor, about, {"api_tokens_ended": api_tokens_ended}, clinic=clinic)


@change("user.password_set", pgettext_lazy("what was done", "password set"), of=User)
def user_password_set_by_system(*, about: User, clinic: Clinic) -> Entry:
    """A demonstration account got a new password."""
    return Entry(None, about, clinic=clinic)


@access("user.password_set", pgettext_lazy("what was done", "password set"), of=User)
def user_password_set(*, about: User, client: Client, api_tokens_ended: int) -> Entry:
    """A person set a password by a link, and so many API tokens ended with the one before."""
    return Entry(about, about, {**client, "api_tokens_ended": api_tokens_ended})


@access("user.password_changed", pgettext_lazy("what was done", "own password changed"), of=User)
def user_password_changed(*, about: User, client: Client, api_tokens_ended: int) -> Entry:
    """A person changed their own password, and so many API tokens ended with the one before."""
    return Entry(about, about, {**client, "api_tokens_ended": api_tokens_ended})


@access("user.password_confirmed", pgettext_lazy("what was done", "password confirmed as set by its person"), of=User)
def user_password_confirmed(*, about: User) -> Entry:
    """A person said that they set the password themselves, though somebody else had the link in hand."""
    return Entry(about, about)


@refusal("user.own_password_refused", pgettext_lazy("what was done", "own password was wrong"), of=User)
def user_own_password_refused(*, about: User, client: Client) -> Entry:
    """Somebody signed in was asked for their password, and gave a wrong one."""
    return Entry(about, about, client)


@access("user.signed_in", pgettext_lazy("what was done", "signed in"), of=User)
def user_signed_in(*, about: User, client: Client) -> Entry:
    """A person signed in."""
    return Entry(about, about, client)


@access("user.signed_out", pgettext_lazy("what was done", "signed out"), of=User)
def user_signed_out(*, about: User, client: Client) -> Entry:
    """A person signed out."""
    return Entry(about, about, client)


@change("user.sessions_ended", pgettext_lazy("what was done", "signed out everywhere else"), of=User)
def user_sessions_ended(*, about: User, count: int) -> Entry:
    """A person ended so many sessions of theirs, all but the one in which they did it."""
    return Entry(about, about, {"count": count})


@refusal("user.sign_in_failed", pgettext_lazy("what was done", "signing in failed"), of=User)
def user_sign_in_failed(*, about: User | None, client: Client, in_this_minute: int | None = None) -> Entry:
    """Somebody, who is not known, gave a wrong password for an account; or an address that nobody has, not kept.

    Of the latter only the first, tenth, hundredth … of a minute is told, as ``in_this_minute``.
    """
    return Entry(None, about, client if in_this_minute is None else {**client, "in_this_minute": in_this_minute})


@refusal("user.locked_out", pgettext_lazy("what was done", "locked out after wrong passwords"), of=User)
def user_locked_out(*, about: User | None, client: Client) -> Entry:
    """Too many wrong passwords for an account came from one place; or for any, and then ``about`` is None."""
    return Entry(None, about, client)


@change("user.second_factor_reset", pgettext_lazy("what was done", "second factor taken away"), of=User)
def user_second_factor_reset(*, actor: Actor | None, about: User, clinic: Clinic | None) -> Entry:
    """An administrator, or a command on the server, took somebody's second factors away."""
    return Entry(actor, about, clinic=clinic)


@access("user.second_factor_added", pgettext_lazy("what was done", "own second factor set up"), of=User)
def user_second_factor_added(*, about: User, client: Client, factor: str) -> Entry:
    """A person set up a second factor, or recovery codes."""
    return Entry(about, about, {**client, "factor": factor})


@access("user.second_factor_removed", pgettext_lazy("what was done", "own second factor removed"), of=User)
def user_second_factor_removed(*, about: User, client: Client, factor: str) -> Entry:
    """A person removed a second factor."""
    return Entry(about, about, {**client, "factor": factor})


@access("user.second_factor_used", pgettext_lazy("what was done", "second factor given"), of=User)
def user_second_factor_used(*, about: User, client: Client, factor: str) -> Entry:
    """A person gave a second factor: an app's code, a key, or a recovery code, which is then used up."""
    return Entry(about, about, {**client, "factor": factor})


@refusal("user.second_factor_refused", pgettext_lazy("what was done", "second factor was wrong"), of=User)
def user_second_factor_refused(*, about: User, client: Client, factor: str) -> Entry:
    """Somebody who gave the password gave a wrong second factor, and may be another than the account's person."""
    return Entry(None, about, {**client, "factor": factor})
