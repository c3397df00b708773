"""Members of a clinic, on its page and by the services: three actors, and the last administrator."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from skinsite.accounts.models import ApiToken, Membership, Role
from skinsite.accounts.services.invitations import find_invitation, invite_member
from skinsite.accounts.services.members import change_role, deactivate_member, reactivate_member
from skinsite.accounts.tokens import revoke_token
from skinsite.audit.models import AuditEvent
from tests.factories import PASSWORD, MembershipFactory
from tests.skinsite.conftest import SignIn, acting, token_for


def post(client: object, name: str, person: Membership, **data: str) -> int:
    return int(client.post(reverse(name, args=[person.user.public_id]), data).status_code)  # type: ignore[attr-defined] # a test client


# The page


def test_the_page_shows_the_clinics_people_and_nobody_elses(
    administrator: Membership, owner: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    token_for(owner)
    foreign, _key = token_for(stranger)
    html = sign_in(administrator).get(reverse("clinic")).content.decode()
    assert owner.user.email in html
    assert administrator.user.email in html
    assert stranger.user.email not in html
    assert str(foreign.public_id) not in html


def test_the_page_tells_when_each_person_last_signed_in(
    administrator: Membership, owner: Membership, sign_in: SignIn
) -> None:
    owner.user.last_login = datetime(2025, 3, 12, 9, 30, tzinfo=UTC)
    owner.user.save()
    page = sign_in(administrator).get(reverse("clinic")).content.decode()
    assert 'datetime="2025-03-12T09:30:00+00:00"' in page
    MembershipFactory.create(clinic=administrator.clinic)
    assert "never" in sign_in(administrator).get(reverse("clinic")).content.decode()


@pytest.mark.parametrize("people", [3, 30])
def test_the_page_asks_as_often_for_many_as_for_few(
    administrator: Membership, sign_in: SignIn, django_assert_num_queries: DjangoAssertNumQueries, people: int
) -> None:
    for _number in range(people):
        token_for(MembershipFactory.create(clinic=administrator.clinic))
    client = sign_in(administrator)
    client.get(reverse("account"))
    with django_assert_num_queries(11):
        assert client.get(reverse("clinic")).status_code == 200


def test_an_administrator_changes_a_role(administrator: Membership, owner: Membership, sign_in: SignIn) -> None:
    assert post(sign_in(administrator), "clinic-member-role", owner, role="reviewer") == 302
    owner.refresh_from_db()
    assert owner.role == Role.REVIEWER
    event = AuditEvent.objects.get(action="membership.role_changed")
    assert event.actor == administrator.user
    assert event.details == {"before": "clinician", "after": "reviewer"}


def test_an_administrator_deactivates_and_reactivates(
    administrator: Membership, owner: Membership, sign_in: SignIn
) -> None:
    token_for(owner)
    theirs = sign_in(owner)
    ours = sign_in(administrator)
    assert post(ours, "clinic-member-deactivate", owner, confirmed="yes") == 302
    assert theirs.get(reverse("home")).status_code == 403
    assert ApiToken.objects.count() == 0
    assert post(ours, "clinic-member-reactivate", owner) == 302
    assert theirs.get(reverse("home")).status_code == 200
    events = AuditEvent.objects.filter(action__startswith="membership.").order_by("pk")
    assert [(event.action, event.details) for event in events] == [
        ("membership.deactivated", {"api_tokens_ended": 1}),
        ("membership.reactivated", {}),
    ]


MEMBER_VIEWS = ["clinic-member-role", "clinic-member-deactivate", "clinic-member-reactivate", "clinic-member-password"]


@pytest.mark.parametrize("name", MEMBER_VIEWS)
def test_an_administrator_of_another_clinic_finds_nobody(
    owner: Membership, stranger: Membership, sign_in: SignIn, name: str
) -> None:
    before = (owner.role, owner.is_active, owner.user.password)
    assert post(sign_in(stranger), name, owner, role="administrator") == 404
    owner.refresh_from_db()
    owner.user.refresh_from_db()
    assert (owner.role, owner.is_active, owner.user.password) == before


@pytest.mark.parametrize("name", MEMBER_VIEWS)
def test_a_colleague_who_is_no_administrator_is_refused(
    owner: Membership, colleague: Membership, sign_in: SignIn, name: str
) -> None:
    before = (owner.role, owner.is_active, owner.user.password)
    assert post(sign_in(colleague), name, owner, role="administrator") == 403
    owner.refresh_from_db()
    owner.user.refresh_from_db()
    assert (owner.role, owner.is_active, owner.user.password) == before


@pytest.mark.parametrize("name", MEMBER_VIEWS)
def test_nothing_changes_by_a_get(administrator: Membership, owner: Membership, sign_in: SignIn, name: str) -> None:
    assert sign_in(administrator).get(reverse(name, args=[owner.user.public_id])).status_code == 405


def test_the_last_administrator_cannot_leave_by_the_page(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    response = client.post(
        reverse("clinic-member-deactivate", args=[administrator.user.public_id]), {"confirmed": "yes"}, follow=True
    )
    assert "last administrator" in response.content.decode()
    response = client.post(
        reverse("clinic-member-role", args=[administrator.user.public_id]), {"role": "clinician"}, follow=True
    )
    assert "last administrator" in response.content.decode()
    administrator.refresh_from_db()
    assert (administrator.role, administrator.is_active) == (Role.ADMINISTRATOR, True)


def test_an_administrator_who_gives_up_the_role_is_led_home(administrator: Membership, sign_in: SignIn) -> None:
    MembershipFactory.create(clinic=administrator.clinic, role=Role.ADMINISTRATOR)
    response = sign_in(administrator).post(
        reverse("clinic-member-role", args=[administrator.user.public_id]), {"role": "clinician"}
    )
    assert response["Location"] == reverse("home")


ENDING = ["clinic-member-deactivate", "clinic-member-password", "clinic-token-revoke", "token-revoke"]


@pytest.mark.parametrize("name", [*ENDING, "clinic-invitation-revoke"])
def test_what_ends_access_asks_first_and_one_click_ends_nothing(
    administrator: Membership, owner: Membership, sign_in: SignIn, name: str
) -> None:
    token, _key = token_for(owner)
    own, _key = token_for(administrator)
    invitation, secret = invite_member(actor=administrator, email="new@example.org", role=Role.CLINICIAN)
    subject = {
        "clinic-token-revoke": token.public_id,
        "token-revoke": own.public_id,
        "clinic-invitation-revoke": invitation.public_id,
    }.get(name, owner.user.public_id)
    page = sign_in(administrator).post(reverse(name, args=[subject])).content.decode()
    assert 'name="confirmed" value="yes"' in page
    assert "Cancel" in page
    owner.refresh_from_db()
    assert owner.is_active
    assert owner.user.check_password(PASSWORD)
    assert ApiToken.objects.count() == 2
    assert find_invitation(secret) == invitation


# The services


def test_an_inactive_administrator_does_not_count(administrator: Membership) -> None:
    MembershipFactory.create(clinic=administrator.clinic, role=Role.ADMINISTRATOR, is_active=False)
    with pytest.raises(ValidationError, match="last administrator"):
        change_role(actor=administrator, membership=administrator, role=Role.CLINICIAN)


def test_one_of_two_administrators_may_go_and_then_no_more(administrator: Membership) -> None:
    other = MembershipFactory.create(clinic=administrator.clinic, role=Role.ADMINISTRATOR)
    deactivate_member(actor=administrator, membership=other)
    with pytest.raises(ValidationError, match="last administrator"):
        deactivate_member(actor=administrator, membership=administrator)


def test_an_unknown_role_is_refused_by_field(administrator: Membership, owner: Membership) -> None:
    with pytest.raises(ValidationError) as refused:
        change_role(actor=administrator, membership=owner, role="owner")
    assert list(refused.value.message_dict) == ["role"]


def test_what_is_so_already_is_not_recorded(administrator: Membership, owner: Membership) -> None:
    change_role(actor=administrator, membership=owner, role=owner.role)
    reactivate_member(actor=administrator, membership=owner)
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize("actor", ["colleague", "stranger"])
def test_services_refuse_whoever_does_not_run_the_clinic(
    owner: Membership, actor: str, request: pytest.FixtureRequest
) -> None:
    intruder: Membership = request.getfixturevalue(actor)
    with pytest.raises(PermissionDenied):
        change_role(actor=intruder, membership=owner, role=Role.ADMINISTRATOR)
    with pytest.raises(PermissionDenied):
        deactivate_member(actor=intruder, membership=owner)
    with pytest.raises(PermissionDenied):
        reactivate_member(actor=intruder, membership=owner)
    owner.refresh_from_db()
    assert (owner.role, owner.is_active) == (Role.CLINICIAN, True)


# API tokens on the pages


def test_a_person_sees_and_revokes_their_own_tokens_only(
    owner: Membership, colleague: Membership, sign_in: SignIn
) -> None:
    own, _key = token_for(owner)
    other, _key = token_for(colleague)
    client = sign_in(owner)
    html = client.get(reverse("account")).content.decode()
    assert str(own.public_id) in html
    assert str(other.public_id) not in html
    assert client.post(reverse("token-revoke", args=[other.public_id])).status_code == 404
    assert client.post(reverse("token-revoke", args=[own.public_id]), {"confirmed": "yes"}).status_code == 302
    assert list(ApiToken.objects.values_list("pk", flat=True)) == [other.pk]
    assert AuditEvent.objects.get(action="api_token.revoked").actor == owner.user


def test_an_administrator_revokes_tokens_of_the_clinic_only(
    administrator: Membership, owner: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    own, _key = token_for(owner)
    foreign, _key = token_for(stranger)
    client = sign_in(administrator)
    assert client.post(reverse("clinic-token-revoke", args=[foreign.public_id])).status_code == 404
    assert client.post(reverse("clinic-token-revoke", args=[own.public_id]), {"confirmed": "yes"}).status_code == 302
    assert list(ApiToken.objects.values_list("pk", flat=True)) == [foreign.pk]


@pytest.mark.parametrize("actor", ["colleague", "stranger"])
def test_a_token_is_revoked_by_its_owner_or_administrator_alone(
    owner: Membership, actor: str, request: pytest.FixtureRequest
) -> None:
    token, _key = token_for(owner)
    with pytest.raises(PermissionDenied):
        revoke_token(actor=request.getfixturevalue(actor), token=token)
    assert ApiToken.objects.count() == 1


# Several clinics


def test_switching_clinic(owner: Membership, sign_in: SignIn) -> None:
    elsewhere = MembershipFactory.create(user=owner.user)
    client = sign_in(owner)
    response = client.post(reverse("clinic-switch"), {"clinic": elsewhere.clinic.public_id})
    assert response["Location"] == reverse("home")
    assert acting(client.get(reverse("account"))) == elsewhere
    assert AuditEvent.objects.get(action="clinic.switched_to").clinic == elsewhere.clinic


@pytest.mark.parametrize("wanted", ["foreign", "ended", "nonsense", ""])
def test_switching_to_a_clinic_that_is_not_ones_own(
    owner: Membership, stranger: Membership, sign_in: SignIn, wanted: str
) -> None:
    ended = MembershipFactory.create(user=owner.user, is_active=False)
    value = {"foreign": stranger.clinic.public_id, "ended": ended.clinic.public_id}.get(wanted, wanted)
    client = sign_in(owner)
    assert client.post(reverse("clinic-switch"), {"clinic": value}).status_code == 404
    assert acting(client.get(reverse("account"))) == owner
