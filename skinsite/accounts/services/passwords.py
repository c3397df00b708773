"""Passwords: changed by their owner, or set anew by a single-use link that an administrator hands over."""

from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.mail import has_mail_server
from skinsite.accounts.models import Membership, NoticeKind, User
from skinsite.accounts.policies import require_may_manage_clinic
from skinsite.accounts.services.notices import notify
from skinsite.accounts.tokens import end_tokens

ADDRESS_LENGTH = 45  # of an IPv6 address at its longest
PASSWORD_FIELDS = ("password_set_at", "password_set_from", "password_link_by", "password_confirmed_at")


def change_password(*, user: User, password: str, client: audit.Client, keep_tokens: bool = False) -> None:
    """Set one's own password; all other sessions of the person end, and the API tokens unless they are kept on purpose.

    Raises ``ValidationError`` for a weak password.
    """
    with transaction.atomic():
        user.password_link_by = None
        _set(user, password, client)
        ended = 0 if keep_tokens else end_tokens(user=user)
        audit.user_password_changed(about=user, client=client, api_tokens_ended=ended)


def reset_password(*, actor: Actor | None, membership: Membership) -> tuple[str, str]:
    """Take a member's password away and give the two parts of a link that sets a new one.

    The link works once, for a day (PASSWORD_RESET_TIMEOUT). The person's sessions and API tokens end at once. Where no
    mail server sends it to them alone, the person is told who had it in hand.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` for oneself; for
    somebody who works in another clinic too or runs the site: that account is not this clinic's to take.
    """
    require_may_manage_clinic(actor, membership.clinic)
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=membership.user_id)
        if actor is not None:
            require_own_person(actor, membership, user)
        ended = _take_away(user, link_by=None if actor is None or has_mail_server() else actor.user)
        audit.user_password_reset(actor=actor, about=user, clinic=membership.clinic, api_tokens_ended=ended)
        notify(user, NoticeKind.RESET, clinic=membership.clinic.name)
        return user_pk_to_url_str(user), default_token_generator.make_token(user)


def reset_password_of_anybody(*, actor: User, user: User) -> tuple[str, str]:
    """Take a person's password away for who runs the site, as ``reset_password`` does; the link may only be mailed.

    Raises ``PermissionDenied`` unless the actor is a superuser. Raises ``ValidationError`` for oneself, for an account
    that is closed, and without a mail server: nobody but the person gets the link.
    """
    if not (actor.is_superuser and actor.is_active):
        raise PermissionDenied
    if actor.pk == user.pk:
        raise ValidationError(_("Change your own password on your account page."), code="own_password")
    if not has_mail_server():
        raise ValidationError(
            _("No mail server is set (EMAIL_URL), and this link goes to its person by mail alone."), code="no_mail"
        )
    with transaction.atomic():
        person = User.objects.select_for_update().get(pk=user.pk)
        if not person.is_active:
            raise ValidationError(_("Reactivate this person first."), code="not_active")
        ended = _take_away(person, link_by=None)
        audit.user_password_reset(actor=actor, about=person, clinic=None, api_tokens_ended=ended)
        notify(person, NoticeKind.RESET, clinic=actor.email)
        return user_pk_to_url_str(person), default_token_generator.make_token(person)


def _take_away(user: User, *, link_by: User | None) -> int:
    """End a locked person's password, sessions and API tokens; how many of these there were."""
    # An unusable password differs each time: every session's hash and every earlier link is void from here.
    user.set_unusable_password()
    user.password_link_by = link_by
    user.password_confirmed_at = None
    user.save(update_fields=["password", "password_link_by", "password_confirmed_at"])
    return end_tokens(user=user)


def set_password_by_link(*, user: User, password: str, client: audit.Client) -> None:
    """Set the password of somebody who opened a valid link; all their API tokens end.

    Raises ``ValidationError`` for a weak password.
    """
    with transaction.atomic():
        _set(user, password, client)
        ended = end_tokens(user=user)
        audit.user_password_set(about=user, client=client, api_tokens_ended=ended)


def confirm_password(*, user: User) -> None:
    """Note that a person set the password themselves, though somebody else had the link to it in hand."""
    with transaction.atomic():
        waiting = User.objects.filter(pk=user.pk, password_confirmed_at=None).exclude(password_link_by=None)
        if waiting.update(password_confirmed_at=timezone.now()):
            audit.user_password_confirmed(about=user)


def note_password_set(user: User, client: audit.Client) -> None:
    """Keep when and from where a password was set, for its person to see; to be saved with it."""
    user.password_set_at = timezone.now()
    user.password_set_from = str(client.get("address", ""))[:ADDRESS_LENGTH]
    user.password_confirmed_at = None


def _set(user: User, password: str, client: audit.Client) -> None:
    validate_password(password, user)
    user.set_password(password)
    note_password_set(user, client)
    user.save(update_fields=["password", *PASSWORD_FIELDS])


def require_own_person(actor: Actor, membership: Membership, user: User) -> None:
    """Refuse what an administrator may do with an account of their own clinic alone, and not with their own.

    Raises ``ValidationError``.
    """
    if actor.user_id == user.pk:
        raise ValidationError(_("Change your own password on your account page."), code="own_password")
    if not membership.is_active:
        raise ValidationError(_("Reactivate this person first."), code="not_active")
    elsewhere = Membership.objects.filter(user=user).exclude(clinic=membership.clinic).exists()
    if elsewhere or user.is_staff or user.is_superuser:
        raise ValidationError(
            _("This account is not your clinic's alone: only the site's administrator can reset its password."),
            code="not_this_clinics",
        )
