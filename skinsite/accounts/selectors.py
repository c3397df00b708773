"""What the clinic page and the account page show."""

from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from skinsite.accounts.actors import ActingPerson
from skinsite.accounts.models import ApiToken, Clinic, EmergencyAccess, Invitation, Membership, ServiceAccount, User
from skinsite.audit.models import AuditEvent

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as a second factor; recovery codes come with it."""

OF_SIGNING_IN = (
    "user.signed_in",
    "user.sign_in_failed",
    "user.locked_out",
    "user.password_changed",
    "user.password_set",
    "user.password_reset",
    "user.second_factor_refused",
    "user.sessions_ended",
)
"""What somebody looks for who asks whether it was they who signed in."""
SIGN_INS_SHOWN = 10
EMERGENCIES_SHOWN = 20


def members_of(clinic: Clinic) -> QuerySet[Membership]:
    """Everybody who is or was a member, active ones first."""
    return Membership.objects.filter(clinic=clinic).select_related("user").order_by("-is_active", "user__email")


def count_without_second_factor(clinic: Clinic) -> int:
    """How many who work in the clinic now have set up no second factor."""
    theirs = Authenticator.objects.filter(user=OuterRef("user"), type__in=FACTORS)
    return Membership.objects.active().filter(~Exists(theirs), clinic=clinic).count()


def open_invitations_of(clinic: Clinic) -> QuerySet[Invitation]:
    """Invitations that still work."""
    return Invitation.objects.filter(
        clinic=clinic, accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
    ).order_by("-created_at")


def tokens_of_clinic(clinic: Clinic) -> QuerySet[ApiToken]:
    """API tokens that act for members and service accounts of the clinic."""
    tokens: QuerySet[ApiToken] = ApiToken.objects.filter(Q(membership__clinic=clinic) | Q(service__clinic=clinic))
    return tokens.select_related("user", "membership__clinic", "service__clinic").order_by("user__email", "created")


def tokens_of_members(clinic: Clinic) -> QuerySet[ApiToken]:
    """API tokens that act for members of the clinic."""
    return tokens_of_clinic(clinic).filter(service=None)


def services_of(clinic: Clinic) -> QuerySet[ServiceAccount]:
    """The clinic's service accounts that are not ended, each with its tokens, the newest last."""
    tokens = Prefetch("api_tokens", ApiToken.objects.select_related("service__clinic").order_by("created"))
    services = ServiceAccount.objects.filter(clinic=clinic, ended_at=None)
    return services.select_related("clinic").prefetch_related(tokens).order_by("name")


def tokens_of_person(user: User) -> QuerySet[ApiToken]:
    """The person's own API tokens, of whichever clinic."""
    tokens: QuerySet[ApiToken] = ApiToken.objects.filter(user=user)
    return tokens.select_related("user", "membership__clinic").order_by("created")


def memberships_of(user: User, reach: Q | None = None) -> QuerySet[Membership]:
    """The clinics that the person can act for now; of these what a session may ``reach``, if it is given."""
    active = Membership.objects.active().filter(reach or Q(), user=user)
    return active.select_related("clinic").order_by("clinic__name")


def may_sign_in_by_password(user: User) -> bool:
    """Whether a password is of use to somebody: not if each of their clinics has switched passwords off."""
    active = Membership.objects.active().filter(user=user)
    return user.is_superuser or active.filter(clinic__passwords_allowed=True).exists() or not active.exists()


def sign_ins_of(user: User) -> list[AuditEvent]:
    """What the trail last told of signing in to the person's account, the newest first."""
    events = AuditEvent.objects.filter(
        object_type=User._meta.label, object_id=str(user.public_id), action__in=OF_SIGNING_IN
    )
    return list(events.select_related("payload").order_by("-at", "-pk")[:SIGN_INS_SHOWN])


def clinics_of(user: User) -> QuerySet[Clinic]:
    """The clinics that the person works in, or did."""
    return Clinic.objects.filter(memberships__user=user)


def emergencies_of(user: User, reach: Q) -> QuerySet[EmergencyAccess]:
    """The accesses in an emergency that the person has now and that a session may ``reach``."""
    return EmergencyAccess.objects.active().filter(reach, user=user).select_related("user", "clinic")


def emergencies_in(clinic: Clinic) -> QuerySet[EmergencyAccess]:
    """The accesses in an emergency that a clinic's records were or are open to, the newest first."""
    accesses = EmergencyAccess.objects.filter(clinic=clinic)
    return accesses.select_related("user", "clinic", "granted_by", "ended_by").order_by("-granted_at", "-pk")


def acting_person_in(user: User, clinic: UUID, reach: Q) -> ActingPerson | None:
    """By what the person may act for the clinic of this public id now, in a session of this reach; None for nothing."""
    memberships = memberships_of(user, reach).filter(clinic__public_id=clinic).select_related("user", "clinic")
    return memberships.first() or emergencies_of(user, reach).filter(clinic__public_id=clinic).first()


def clinic_known_to(user: User, clinic: UUID) -> Clinic | None:
    """The clinic of this public id, if the person has or had access to it."""
    known = Q(memberships__user=user) | Q(emergency_accesses__user=user)
    return Clinic.objects.filter(known, public_id=clinic).first()


def is_refused_demo(user: User) -> bool:
    """Whether this is an account of a demonstration clinic, and the settings refuse those."""
    return not settings.DEMO_ALLOWED and Membership.objects.filter(user=user, clinic__is_demo=True).exists()


def superusers_with_memberships() -> QuerySet[Membership]:
    """Memberships that give no access, since their account runs the site; none can be made any more."""
    return Membership.objects.filter(is_active=True, user__is_superuser=True).select_related("user", "clinic")
