"""A clinic whose people sign in by its directory alone."""

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import reverse

from skinsite.accounts.adapter import AccountAdapter
from skinsite.accounts.models import Clinic, Membership, Role, User
from skinsite.audit.models import AuditEvent
from skinsite.directory.services.passwords import set_passwords_allowed
from skinsite.platform.problems import WrongStateError
from skinsite.settings.directories import Directory
from tests.clients import page_client
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.skinsite.conftest import SignIn, acting
from tests.skinsite.directory.conftest import ADDRESS, Walk


@pytest.fixture
def head(clinic: Clinic) -> Membership:
    """An administrator whom the directory knows."""
    return MembershipFactory.create(user=UserFactory.create(email=ADDRESS), clinic=clinic, role=Role.ADMINISTRATOR)


@pytest.fixture
def closed(clinic: Clinic) -> Clinic:
    """The clinic, with passwords off."""
    clinic.passwords_allowed = False
    clinic.save()
    return clinic


def are_allowed(clinic: Clinic) -> bool:
    """Whether the clinic's people may sign in with a password now."""
    return Clinic.objects.get(pk=clinic.pk).passwords_allowed


def by_password(user: User) -> tuple[Client, str]:
    """Sign in on the page; the browser, and what the page says if it does not lead on."""
    client = Client()
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client, "" if answer.status_code == 302 else answer.content.decode()


def test_an_administrator_switches_passwords_off_once_the_directory_has_let_them_in(
    head: Membership, walk: Walk
) -> None:
    client = page_client(head)
    walk(client)
    assert "Switch passwords off" in client.get(reverse("clinic")).content.decode()
    asked = client.post(reverse("clinic-passwords"), {"passwords": "refused"})
    assert "Let people sign in by the directory alone?" in asked.content.decode()
    assert are_allowed(head.clinic)
    client.post(reverse("clinic-passwords"), {"passwords": "refused", "confirmed": "yes"})
    assert not are_allowed(head.clinic)
    assert AuditEvent.objects.get(action="clinic.passwords_refused").actor == head.user
    client.post(reverse("clinic-passwords"), {"passwords": "allowed"})
    assert are_allowed(head.clinic)


def test_who_came_in_by_a_password_cannot_close_that_way(
    directory: Directory, administrator: Membership, sign_in: SignIn
) -> None:
    answer = sign_in(administrator).post(
        reverse("clinic-passwords"), {"passwords": "refused", "confirmed": "yes"}, follow=True
    )
    assert "Sign in by the directory yourself first" in answer.content.decode()
    assert are_allowed(administrator.clinic)


def test_the_directory_of_another_clinic_is_no_way_in(
    directory: Directory, stranger: Membership, owner: Membership
) -> None:
    with pytest.raises(WrongStateError):
        set_passwords_allowed(actor=stranger, allowed=False, directory=directory)
    with pytest.raises(PermissionDenied):
        set_passwords_allowed(actor=owner, allowed=False, directory=directory)


def test_a_clinic_without_a_directory_is_not_offered_it(administrator: Membership, sign_in: SignIn) -> None:
    assert "Switch passwords off" not in sign_in(administrator).get(reverse("clinic")).content.decode()


def test_a_right_password_leads_to_the_directory_s_button(
    directory: Directory, closed: Clinic, head: Membership
) -> None:
    client, page = by_password(head.user)
    assert "Your clinic signs in by its directory" in page
    assert "Sign in with Hospital account" in page
    assert client.get(reverse("account")).status_code == 302


@pytest.mark.parametrize(("way", "is_let_in"), [(None, False), ({"sociallogin": object()}, True)])
def test_no_door_but_the_directory_s_leads_in(
    rf: RequestFactory,
    closed: Clinic,
    head: Membership,
    way: dict[str, object] | None,
    is_let_in: bool,  # noqa: FBT001
) -> None:
    request = rf.get("/")
    request._messages = CookieStorage(request)  # type: ignore[attr-defined] # as the middleware does
    hooks = {"email_verification": "none", "redirect_url": None, "signup": False, "email": None}
    answer = AccountAdapter(request).pre_login(request, head.user, signal_kwargs=way, **hooks)
    assert (answer is None) == is_let_in


def test_a_wrong_password_is_told_nothing_of_it(directory: Directory, closed: Clinic, head: Membership) -> None:
    page = Client().post(reverse("account_login"), {"login": head.user.email, "password": "wrong"}).content.decode()
    assert "do not belong together" in page
    assert "Your clinic signs in by its directory" not in page


def test_a_password_counts_where_it_is_allowed_alone(directory: Directory, closed: Clinic, head: Membership) -> None:
    elsewhere = MembershipFactory.create(user=head.user)
    client, page = by_password(head.user)
    assert page == ""
    assert acting(client.get(reverse("account"))) == elsewhere
    switch = client.post(reverse("clinic-switch"), {"clinic": str(closed.public_id)})
    assert switch.status_code == 404


def test_a_session_by_password_that_is_open_ends_its_work_in_the_clinic(directory: Directory, head: Membership) -> None:
    client, _page = by_password(head.user)
    assert acting(client.get(reverse("account"))) == head
    Clinic.objects.update(passwords_allowed=False)
    assert acting(client.get(reverse("account"))) is None


def test_the_directory_s_people_come_in_as_before(client: Client, closed: Clinic, head: Membership, walk: Walk) -> None:
    walk(client)
    assert acting(client.get(reverse("account"))) == head


def test_a_superuser_keeps_the_password(directory: Directory, closed: Clinic, db: None) -> None:
    root = User.objects.create_superuser("root@hospital.example", PASSWORD)
    _client, page = by_password(root)
    assert page == ""


def test_a_superuser_allows_passwords_again(closed: Clinic, sign_in: SignIn) -> None:
    client = sign_in(User.objects.create_superuser("root@hospital.example", PASSWORD))
    address = reverse("admin:accounts_clinic_change", args=[closed.pk])
    form = client.get(address).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields} | {"passwords_allowed": "on", "is_active": "on"}
    client.post(address, sent)
    assert are_allowed(closed)
