"""Opinions on readings: appended, never changed."""

import uuid
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Prediction, Review, ReviewKind, Status
from classifier.models.review import COMMENT_LENGTH
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import User
from skinsite.idempotency import row_id
from skinsite.platform.problems import WrongStateError
from skinsite.text import too_long

SAME_WITHIN = timedelta(minutes=1)


def add_review(
    *,
    actor: Actor,
    prediction: Prediction,
    diagnosis: str,
    certainty: str,
    comment: str = "",
    once: uuid.UUID | None = None,
) -> Review:
    """Add the actor's opinion, given having seen the reading; one sent several times at once is one.

    Those are the copies of a form (by its ``once``), and what somebody said last of it, said again within a minute.

    Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_review(actor) and Prediction.objects.visible_to(actor).contains(prediction))
    if prediction.image.entered_in_error_at is not None:
        message = _("The photograph was entered in error and its reading does not count: no opinion can be given.")
        raise WrongStateError(message, code="entered_in_error")
    if prediction.status != Status.DONE:
        raise WrongStateError(_("There is no finished reading to give an opinion on yet."), code="not_done")
    review = Review(
        public_id=row_id(once, actor, prediction.pk, diagnosis, certainty, comment),
        prediction=prediction,
        reviewer=policies.require_person(actor),
        kind=ReviewKind.INFORMED,
        diagnosis=diagnosis,
        certainty=certainty,
        comment=comment.strip().replace("\x00", ""),
    )
    review.clean_fields(exclude=["prediction", "reviewer"])
    if len(review.comment) > COMMENT_LENGTH:  # a model holds only its forms to the length of a text
        raise ValidationError({"comment": too_long(COMMENT_LENGTH)})
    try:
        with transaction.atomic():
            said = _said_just_now(review)
            if said is not None:
                return said
            review.save(force_insert=True)
            audit.review_added(actor=actor, about=review)
    except IntegrityError:
        made = Review.objects.filter(public_id=review.public_id).first()  # by the same copy of the form
        if made is None:
            raise
        return made
    return review


def _said_just_now(review: Review) -> Review | None:
    """The same opinion, if it is the last that its reviewer gave on the reading, a minute ago or less.

    The reviewer's row is held until the transaction ends, so that of several at once one comes first.
    """
    if connection.features.has_select_for_update:
        User.objects.select_for_update(no_key=True).only("pk").get(pk=review.reviewer_id)
    last = Review.objects.filter(prediction=review.prediction, reviewer=review.reviewer).order_by("-pk").first()
    if last is None or timezone.now() - last.created_at > SAME_WITHIN:
        return None
    same = all(getattr(last, name) == getattr(review, name) for name in ("kind", "diagnosis", "certainty", "comment"))
    return last if same else None
