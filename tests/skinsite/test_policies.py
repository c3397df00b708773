"""What each role, a superuser, a token and the system may do, and where."""

import pytest
from django.core.exceptions import PermissionDenied

from skinsite.accounts.models import ApiToken, Capability, Membership, Scope, User
from skinsite.accounts.policies import may, may_manage_clinic, require_may_manage_clinic
from tests.factories import UserFactory

CLINICIAN = {"read_records", "add_records", "correct_records"}
REVIEWER = CLINICIAN | {"review", "oversee_records"}


def test_each_actor_has_the_capabilities_of_the_table(
    owner: Membership, reviewer: Membership, administrator: Membership
) -> None:
    superuser = UserFactory.create(is_superuser=True)
    token = ApiToken(user=administrator.user, membership=administrator, scope=Scope.WRITE)
    expected: tuple[tuple[Membership | ApiToken | User | None, set[str]], ...] = (
        (owner, CLINICIAN),
        (reviewer, REVIEWER),
        (administrator, REVIEWER | {"read_audit", "manage_clinic"}),
        (token, CLINICIAN),
        (superuser, {"manage_clinic", "manage_models"}),
        (owner.user, set()),
        (None, {each.value for each in Capability} - {"review"}),
    )
    for actor, capabilities in expected:
        assert {each.value for each in Capability if may(actor, each)} == capabilities


@pytest.mark.parametrize("ended", ["membership", "user", "clinic"])
def test_who_has_no_access_any_more_may_nothing(administrator: Membership, ended: str) -> None:
    target = administrator if ended == "membership" else getattr(administrator, ended)
    target.is_active = False
    assert not any(may(administrator, each) for each in Capability)


def test_a_clinic_is_run_by_its_administrators_by_superusers_and_by_the_system(
    owner: Membership, administrator: Membership, stranger: Membership
) -> None:
    stranger.role = administrator.role
    superuser, gone = (UserFactory.create(is_superuser=True, is_active=active) for active in (True, False))
    for actor in (administrator, superuser, None):
        assert may_manage_clinic(actor, owner.clinic)
    for refused in (owner, stranger, gone):
        with pytest.raises(PermissionDenied):
            require_may_manage_clinic(refused, owner.clinic)
