"""Who may do what: asked by every service, and by pages that offer a button."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from classifier.models import LesionImage
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import Capability, User
from skinsite.accounts.policies import may


def may_upload(actor: Actor | None) -> bool:
    """Whether an actor may add patients, lesions and photographs and ask for readings."""
    return may(actor, Capability.ADD_RECORDS)


def may_correct(actor: Actor | None, image: LesionImage) -> bool:
    """Whether an actor may move a photograph of their clinic, correct its modality or mark it."""
    if not may(actor, Capability.CORRECT_RECORDS):
        return False
    return actor is None or LesionImage.objects.visible_to(actor).contains(image)


def may_correct_filing(actor: Actor | None) -> bool:
    """Whether an actor may merge, split and part what was filed wrongly in their clinic."""
    return may(actor, Capability.CORRECT_RECORDS)


def may_review(actor: Actor | None) -> bool:
    """Whether an actor may give an opinion on a reading."""
    return may(actor, Capability.REVIEW)


def may_manage_models(actor: User | None) -> bool:
    """Whether somebody may register and activate models: superusers, and the system itself (None)."""
    return may(actor, Capability.MANAGE_MODELS)


def require(allowed: bool) -> None:  # noqa: FBT001 reads as require(may_upload(actor))
    """Raise ``PermissionDenied`` unless a policy allows."""
    if not allowed:
        raise PermissionDenied(_("Your role in this clinic does not allow this."))


def require_person(actor: Actor) -> User:
    """Who the actor is, where only a person can say something.

    Raises ``PermissionDenied`` for a program that is nobody's.
    """
    if actor.user is None:
        raise PermissionDenied(_("Only a person can do this."))
    return actor.user
