"""Opinions on readings: appended, never changed."""

import uuid

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Prediction, Review, ReviewKind, Status
from classifier.models.review import COMMENT_LENGTH
from skinsite.accounts.actors import Actor
from skinsite.idempotency import row_id
from skinsite.platform.problems import WrongStateError
from skinsite.text import too_long


def add_review(
    *,
    actor: Actor,
    prediction: Prediction,
    diagnosis: str,
    certainty: str,
    comment: str = "",
    once: uuid.UUID | None = None,
) -> Review:
    """Add the actor's opinion, given having seen the reading; one sent twice (by its form's ``once``) is one.

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
            review.save(force_insert=True)
            audit.review_added(actor=actor, about=review)
    except IntegrityError:
        made = Review.objects.filter(public_id=review.public_id).first()  # by the same copy of the form
        if made is None:
            raise
        return made
    return review
