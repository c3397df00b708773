"""Who may do what: asked by every service, and by pages that offer a button."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from classifier.models import LesionImage
from skinsite.accounts.models import Membership, Role, User


def is_at_work(actor: Membership | None) -> bool:
    """Whether an actor has access now; the system itself (None) always has."""
    return actor is None or (actor.is_active and actor.user.is_active and actor.clinic.is_active)


def may_upload(actor: Membership | None) -> bool:
    """Whether an actor may add patients, lesions and photographs and ask for readings: every member of a clinic."""
    return is_at_work(actor)


def may_correct(actor: Membership | None, image: LesionImage) -> bool:
    """Whether an actor may move a photograph, correct its modality or mark it: every member of its clinic."""
    return is_at_work(actor) and (actor is None or LesionImage.objects.visible_to(actor).contains(image))


def may_review(actor: Membership | None) -> bool:
    """Whether an actor may give an opinion on a reading: reviewers and administrators."""
    return actor is not None and is_at_work(actor) and actor.role in (Role.REVIEWER, Role.ADMINISTRATOR)


def may_manage_clinic(actor: Membership | None) -> bool:
    """Whether an actor may invite, deactivate and change the members of the clinic: its administrators."""
    return actor is not None and is_at_work(actor) and actor.role == Role.ADMINISTRATOR


def may_manage_models(actor: User | None) -> bool:
    """Whether an actor may register and activate models: superusers, and the system itself (None)."""
    return actor is None or (actor.is_active and actor.is_superuser)


def require(allowed: bool) -> None:  # noqa: FBT001 reads as require(may_upload(actor))
    """Raise ``PermissionDenied`` unless a policy allows."""
    if not allowed:
        raise PermissionDenied(_("Your role in this clinic does not allow this."))
