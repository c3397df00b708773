"""Who may do what: owner, colleague, stranger, and every role."""

import pytest
from django.core.exceptions import PermissionDenied

from classifier import policies
from skinsite.accounts.models import ApiToken, Membership, Scope
from tests.factories import LesionImageFactory, UserFactory


def test_every_member_may_upload_and_correct_in_the_own_clinic_only(
    owner: Membership, colleague: Membership, reviewer: Membership, administrator: Membership, stranger: Membership
) -> None:
    image = LesionImageFactory.create(lesion__patient__clinic=owner.clinic)

    for member in (owner, colleague, reviewer, administrator):
        assert policies.may_upload(member)
        assert policies.may_correct(member, image)
    assert policies.may_upload(stranger)
    assert not policies.may_correct(stranger, image)


def test_reviewers_and_administrators_review(
    owner: Membership, reviewer: Membership, administrator: Membership
) -> None:
    assert [policies.may_review(member) for member in (owner, reviewer, administrator)] == [False, True, True]


@pytest.mark.parametrize("deactivated", ["membership", "user", "clinic"])
def test_who_is_deactivated_may_nothing(administrator: Membership, deactivated: str) -> None:
    image = LesionImageFactory.create(lesion__patient__clinic=administrator.clinic)
    target = administrator if deactivated == "membership" else getattr(administrator, deactivated)
    target.is_active = False

    assert not policies.may_upload(administrator)
    assert not policies.may_correct(administrator, image)
    assert not policies.may_review(administrator)


def test_the_system_reads_and_corrects_but_has_no_opinion(owner: Membership) -> None:
    image = LesionImageFactory.create(lesion__patient__clinic=owner.clinic)

    assert policies.may_upload(None)
    assert policies.may_correct(None, image)
    assert not policies.may_review(None)


def test_a_token_adds_and_corrects_as_its_person_and_never_reviews(reviewer: Membership, stranger: Membership) -> None:
    image = LesionImageFactory.create(lesion__patient__clinic=reviewer.clinic)
    token = ApiToken(user=reviewer.user, membership=reviewer, scope=Scope.WRITE)

    assert policies.may_upload(token)
    assert policies.may_correct(token, image)
    assert not policies.may_correct(ApiToken(user=stranger.user, membership=stranger), image)
    assert not policies.may_review(token)
    reviewer.is_active = False
    assert not policies.may_upload(token)


def test_what_is_not_allowed_is_refused() -> None:
    policies.require(True)
    with pytest.raises(PermissionDenied):
        policies.require(False)


def test_superusers_and_the_system_manage_models(administrator: Membership) -> None:
    superuser = UserFactory.create(is_superuser=True)
    gone = UserFactory.create(is_superuser=True, is_active=False)

    assert [policies.may_manage_models(actor) for actor in (None, superuser, administrator.user, gone)] == [
        True,
        True,
        False,
        False,
    ]
