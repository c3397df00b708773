"""Who runs the site sees no patient data: a superuser is no member of a clinic, by whichever way it is tried."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse

from skinsite.accounts.models import Clinic, Membership, Role, User
from skinsite.accounts.services.invitations import accept_invitation, invite_member
from skinsite.accounts.services.members import deactivate_member, reactivate_member
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.skinsite.conftest import SignIn, acting
from tests.skinsite.test_doctor import examine


@pytest.fixture
def superuser(db: None) -> User:
    """Who runs the site."""
    return User.objects.create_superuser("root@site.example", PASSWORD)


def test_a_superuser_makes_himself_no_member_in_the_admin(
    superuser: User, owner: Membership, colleague: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    said = {"user": superuser.pk, "clinic": owner.clinic_id, "role": Role.ADMINISTRATOR, "is_active": "on"}
    address = "/admin/accounts/membership/add/"
    assert "cannot be a member" in sign_in(superuser).post(address, said).content.decode()
    for actor in (owner, colleague, stranger):
        assert sign_in(actor).post(address, said).status_code in {302, 403}
    assert not Membership.objects.filter(user=superuser).exists()
    assert sign_in(superuser).get(reverse("home")).status_code == 403


def test_an_invitation_lets_no_superuser_in_and_tells_the_administrator_nothing(
    superuser: User, administrator: Membership, sign_in: SignIn
) -> None:
    page = sign_in(administrator).post(reverse("clinic-invite"), {"email": superuser.email, "role": "clinician"})
    assert page.status_code == 200
    _invitation, secret = invite_member(actor=administrator, email=superuser.email, role=Role.CLINICIAN)
    with pytest.raises(ValidationError, match="cannot be a member"):
        accept_invitation(secret=secret, user=superuser)
    answer = sign_in(superuser).post(reverse("invitation", args=[secret]))
    assert answer.status_code == 422
    assert "cannot be a member" in answer.content.decode()
    assert not Membership.objects.filter(user=superuser).exists()


def test_a_clinic_is_not_opened_for_a_superuser(superuser: User) -> None:
    with pytest.raises(CommandError, match="cannot be a member"):
        call_command("create_clinic", "North", "--admin", superuser.email, stdout=StringIO())
    assert not Clinic.objects.exists()


def test_a_former_member_who_runs_the_site_by_now_does_not_come_back(administrator: Membership) -> None:
    former = MembershipFactory.create(clinic=administrator.clinic, is_active=False)
    User.objects.filter(pk=former.user_id).update(is_superuser=True)
    former.refresh_from_db()
    with pytest.raises(ValidationError, match="cannot be a member"):
        reactivate_member(actor=administrator, membership=former)


def test_a_member_who_was_made_superuser_behind_the_site_s_back_sees_nothing_more_and_doctor_tells(
    administrator: Membership, sign_in: SignIn
) -> None:
    member = MembershipFactory.create(user=UserFactory.create(), clinic=administrator.clinic, role=Role.ADMINISTRATOR)
    client = sign_in(member)
    assert acting(client.get(reverse("home"))) == member
    User.objects.filter(pk=member.user_id).update(is_superuser=True)
    assert client.get(reverse("home")).status_code == 403
    member.refresh_from_db()
    member.user.refresh_from_db()
    assert member.capabilities == frozenset()
    said = examine()[1]["superusers"]
    assert said.startswith("wrong")
    assert member.user.email in said
    deactivate_member(actor=None, membership=member)
    assert examine()[1]["superusers"].startswith("ok")
