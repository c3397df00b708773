"""Ways into a clinic: single-use links that expire; only the hash of a link's secret is kept."""

import hashlib
import secrets
import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from skinsite.accounts import audit
from skinsite.accounts.actors import Actor
from skinsite.accounts.mail import has_mail_server
from skinsite.accounts.models import Clinic, Invitation, Membership, Role, User, plain_address
from skinsite.accounts.names import clean_person_name, is_name_of_colleague
from skinsite.accounts.policies import require_may_be_member, require_may_manage_clinic
from skinsite.accounts.services.passwords import PASSWORD_FIELDS, note_password_set
from skinsite.idempotency import row_id


def invite_member(
    *,
    actor: Actor | None,
    email: str,
    role: str,
    clinic: Clinic | None = None,
    once: uuid.UUID | None = None,
) -> tuple[Invitation, str]:
    """Invite a person; an open invitation of the same address ends.

    ``clinic`` is the actor's unless given. Gives the invitation and its secret, which is told this once; sent twice
    (by its form's ``once``) it is the same invitation and the same secret, while that works.

    Raises ``PermissionDenied`` unless the actor administers the clinic. Raises ``ValidationError`` by field; also for
    somebody who is or was a member already.
    """
    clinic = clinic or (actor.clinic if actor else None)
    if clinic is None:
        raise ValueError("An invitation by the system names its clinic.")
    require_may_manage_clinic(actor, clinic)
    email = plain_address(email)
    with transaction.atomic():
        # Two invitations of one address at once come one after the other.
        Clinic.objects.select_for_update().get(pk=clinic.pk)
        public_id, secret, sent = _choose_secret(once, actor, email, role)
        if sent is not None:
            return sent, secret
        _require_invitable(clinic, email, role)
        if actor is None:
            _require_no_superuser(email)
        open_ones = Invitation.objects.filter(clinic=clinic, email=email, accepted_at=None, revoked_at=None)
        open_ones.update(revoked_at=timezone.now())
        invitation = Invitation.objects.create(
            public_id=public_id,
            clinic=clinic,
            email=email,
            role=role,
            secret_hash=_hash(secret),
            invited_by=actor.user if actor else None,
            expires_at=timezone.now() + timedelta(days=settings.INVITATION_DAYS),
        )
        audit.invitation_created(actor=actor, about=invitation)
        return invitation, secret


def find_invitation(secret: str) -> Invitation | None:
    """The invitation that this secret opens now, if any."""
    return (
        Invitation.objects.filter(
            secret_hash=_hash(secret),
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=timezone.now(),
            clinic__is_active=True,
        )
        .select_related("clinic")
        .first()
    )


def accept_invitation(
    *,
    secret: str,
    user: User | None = None,
    name: str = "",
    password: str = "",
    client: audit.Client | None = None,
) -> Membership:
    """Join the clinic: as ``user``, who is signed in, or as a new person with this name and password.

    Raises ``ValidationError`` for a link that is used, revoked or expired; an address that is not the invited one; an
    account that exists already and has to sign in first, or that runs the site; a weak password.
    """
    with transaction.atomic():
        invitation = _take(secret)
        if user is None:
            user = _new_person(invitation, name, password, client or {})
        else:
            _require_invited(invitation, user)
        require_may_be_member(user)
        membership, created = Membership.objects.get_or_create(
            user=user, clinic=invitation.clinic, defaults={"role": invitation.role}
        )
        if not created:
            raise ValidationError(_("You are a member of this clinic already."), code="member")
        audit.invitation_accepted(actor=membership, about=invitation)
        return membership


def revoke_invitation(*, actor: Actor | None, invitation: Invitation) -> None:
    """Withdraw an invitation that nobody has accepted.

    Raises ``PermissionDenied`` unless the actor administers the clinic.
    """
    require_may_manage_clinic(actor, invitation.clinic)
    with transaction.atomic():
        open_one = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
        if open_one.update(revoked_at=timezone.now()):
            audit.invitation_revoked(actor=actor, about=invitation)


def _choose_secret(
    once: uuid.UUID | None, actor: Actor | None, email: str, role: str
) -> tuple[uuid.UUID, str, Invitation | None]:
    """The id and the secret of an invitation to be, and the invitation that this copy of a form has made already."""
    if actor is None or once is None:
        return uuid.uuid4(), secrets.token_urlsafe(32), None
    public_id, sent = _find_sent(once, actor, email, role)
    # Of the form's own mark, which nobody but the inviter's browser keeps, and the site's key.
    return public_id, salted_hmac("invitation", f"{once}{public_id}", algorithm="sha256").hexdigest(), sent


def _take(secret: str) -> Invitation:
    """The invitation of this secret, which nobody else can accept any more; of two requests at once one wins."""
    invitation = find_invitation(secret)
    over = ValidationError(_("This invitation has been used, withdrawn or has expired."), code="invitation_over")
    if invitation is None:
        raise over
    taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if not taken.update(accepted_at=timezone.now()):
        raise over
    return invitation


def _require_invited(invitation: Invitation, user: User) -> None:
    """Whoever has an account joins by the invited address, and under a name that is no colleague's."""
    if user.email != invitation.email:
        raise ValidationError(
            _("This invitation is for %(email)s. Sign in with that address.") % {"email": invitation.email},
            code="other_address",
        )
    if is_name_of_colleague(user.name, clinics=[invitation.clinic], person=user):
        raise ValidationError(
            _("A colleague in that clinic has your name. Change yours on your account page first, then join."),
            code="name_taken",
        )


def _find_sent(once: uuid.UUID, actor: Actor, email: str, role: str) -> tuple[uuid.UUID, Invitation | None]:
    """The id of the invitation that this copy of a form makes, and that invitation if it was made and still works.

    One that was withdrawn, used or has expired since makes way for the next.
    """
    public_id = row_id(once, actor, email, role)
    while (sent := Invitation.objects.filter(public_id=public_id).first()) is not None and not sent.is_open:
        public_id = row_id(public_id, actor, email, role)
    return public_id, sent


def _require_invitable(clinic: Clinic, email: str, role: str) -> None:
    if role not in Role.values:
        raise ValidationError({"role": _("Choose one of the roles.")}, code="invalid")
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValidationError({"email": error.messages}, code="invalid") from None
    known = Membership.objects.filter(clinic=clinic, user__email=email).first()
    if known is not None:
        text = (
            _("This person is a member already.")
            if known.is_active
            else _("This person was a member before. Reactivate them in the list instead.")
        )
        raise ValidationError({"email": text}, code="member")


def _require_no_superuser(email: str) -> None:
    """Tell the system's owner at once; an administrator is not told whose account runs the site."""
    known = User.objects.filter(email=email).first()
    try:
        if known is not None:
            require_may_be_member(known)
    except ValidationError as error:
        raise ValidationError({"email": error.messages}, code="superuser") from None


def _new_person(invitation: Invitation, name: str, password: str, client: audit.Client) -> User:
    if User.objects.filter(email=invitation.email).exists():
        raise ValidationError(
            _("Nothing was made. If you have an account here, sign in to join."), code="account_exists"
        )
    name = clean_person_name(name, clinics=[invitation.clinic])
    person = User(email=invitation.email, name=name)
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from None
    person = User.objects.create_user(invitation.email, password, name=name)
    note_password_set(person, client)
    person.password_link_by = None if has_mail_server() else invitation.invited_by
    person.save(update_fields=PASSWORD_FIELDS)
    return person


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
