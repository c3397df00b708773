"""Service accounts of a clinic: opened, renewed with overlap and ended by its administrator alone."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from skinsite.accounts.models import ApiToken, Membership, Scope, ServiceAccount
from skinsite.accounts.services.programs import end_service, open_service, renew_service_token
from skinsite.audit.models import AuditEvent
from tests.factories import MembershipFactory
from tests.skinsite.accounts.test_own_tokens import key_of
from tests.skinsite.conftest import SignIn

FORM = {"name": "Picture archive", "scope": "write", "days": "90"}


def status(key: str) -> int:
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    return program.get("/api/v1/patients/").status_code


@pytest.fixture
def service(administrator: Membership) -> ServiceAccount:
    token, _key = open_service(actor=administrator, name="Archive", scope=Scope.READ)
    return ServiceAccount.objects.get(api_tokens=token)


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def test_the_administrator_opens_one_and_is_shown_its_token_once(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    answer = client.post(reverse("clinic-service-create"), FORM)
    key = key_of(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert status(key) == 200
    listed = client.get(reverse("clinic-services")).content.decode()
    assert "Picture archive" in listed
    assert key not in listed
    service = ServiceAccount.objects.get()
    assert (service.clinic, service.created_by, service.scope) == (administrator.clinic, administrator.user, "write")
    events = AuditEvent.objects.filter(action__in=["service.opened", "api_token.created"])
    assert {event.actor for event in events} == {administrator.user}
    assert len(events) == 2


def test_others_neither_see_nor_change_them(
    service: ServiceAccount, owner: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    elsewhere = MembershipFactory.create(clinic=stranger.clinic, role="administrator")
    for member, refused in ((owner, 403), (elsewhere, 404)):
        client = sign_in(member)
        for name in ("clinic-service-renew", "clinic-service-end"):
            data = {"days": "30", "old_ends": str(in_days(1)), "confirmed": "yes"}
            assert client.post(reverse(name, args=[service.public_id]), data).status_code == refused
        token = service.api_tokens.get()
        assert client.post(reverse("clinic-token-revoke", args=[token.public_id])).status_code == refused
    assert sign_in(owner).get(reverse("clinic-services")).status_code == 403
    assert sign_in(owner).post(reverse("clinic-service-create"), FORM).status_code == 403
    assert "Archive" not in sign_in(elsewhere).get(reverse("clinic-services")).content.decode()
    service.refresh_from_db()
    assert service.ended_at is None
    assert service.api_tokens.count() == 1


@pytest.mark.parametrize("actor", ["owner", "stranger"])
def test_the_services_ask_for_themselves(service: ServiceAccount, actor: str, request: pytest.FixtureRequest) -> None:
    who = request.getfixturevalue(actor)
    with pytest.raises(PermissionDenied):
        renew_service_token(actor=who, service=service, old_ends=timezone.now())
    with pytest.raises(PermissionDenied):
        end_service(actor=who, service=service)


def test_a_token_is_exchanged_with_an_overlap(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    first = key_of(client.post(reverse("clinic-service-create"), FORM).content.decode())
    service = ServiceAccount.objects.get()
    renew = reverse("clinic-service-renew", args=[service.public_id])
    answer = client.post(renew, {"days": "30", "old_ends": str(in_days(3))})
    second = key_of(answer.content.decode())
    assert (status(first), status(second)) == (200, 200)
    old, new = service.api_tokens.order_by("created")
    assert old.expiry.astimezone(timezone.get_current_timezone()).date() == in_days(3)
    assert timedelta(days=29) < new.expiry - timezone.now() <= timedelta(days=30)
    # A third while two work would be one that nobody remembers.
    refused = client.post(renew, {"days": "30", "old_ends": str(in_days(3))})
    assert refused.status_code == 422
    assert "revoke one of them first" in refused.content.decode()
    ApiToken.objects.filter(pk=old.pk).update(expiry=timezone.now())
    assert (status(first), status(second)) == (401, 200)


def test_the_old_one_never_lives_longer_for_it_and_may_end_at_once(
    administrator: Membership, service: ServiceAccount
) -> None:
    before = service.api_tokens.get()
    renew_service_token(actor=administrator, service=service, old_ends=timezone.now() + timedelta(days=300))
    after = ApiToken.objects.get(pk=before.pk)
    assert after.expiry == before.expiry
    after.delete()
    renew_service_token(actor=administrator, service=service, old_ends=timezone.now() - timedelta(days=1))
    assert service.api_tokens.filter(expiry__gt=timezone.now()).count() == 1


def test_a_form_sent_twice_opens_and_renews_once(administrator: Membership, sign_in: SignIn) -> None:
    client, once = sign_in(administrator), {"once": str(uuid4())}
    for expected in (200, 422):
        assert client.post(reverse("clinic-service-create"), FORM | once).status_code == expected
    service = ServiceAccount.objects.get()
    renew = reverse("clinic-service-renew", args=[service.public_id])
    for expected in (200, 422):
        answer = client.post(renew, {"days": "30", "old_ends": str(in_days(1)), **once})
        assert answer.status_code == expected
    assert service.api_tokens.count() == 2


def test_ending_one_is_asked_first_and_ends_its_tokens(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    key = key_of(client.post(reverse("clinic-service-create"), FORM).content.decode())
    service = ServiceAccount.objects.get()
    end = reverse("clinic-service-end", args=[service.public_id])
    assert "End the service account Picture archive?" in client.post(end).content.decode()
    assert status(key) == 200
    client.post(end, {"confirmed": "yes"})
    assert status(key) == 401
    client.get(reverse("clinic"))  # tells that it is done
    assert "Picture archive" not in client.get(reverse("clinic")).content.decode()
    assert AuditEvent.objects.get(action="service.ended").details == {"name": "Picture archive", "api_tokens_ended": 1}
    with pytest.raises(ValidationError, match="is ended"):
        renew_service_token(actor=administrator, service=service, old_ends=timezone.now())


def test_its_name_is_nobody_elses(administrator: Membership, owner: Membership, service: ServiceAccount) -> None:
    for name in ("ARCHIVE", owner.user.name.upper()):
        with pytest.raises(ValidationError, match="choose another"):
            open_service(actor=administrator, name=name, scope=Scope.READ)
    end_service(actor=administrator, service=service)
    open_service(actor=administrator, name="Archive", scope=Scope.READ)


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    administrator: Membership, sign_in: SignIn, django_assert_max_num_queries: object
) -> None:
    client = sign_in(administrator)
    client.get(reverse("clinic-services"))
    counts = []
    for number in (1, 5):
        for extra in range(number):
            open_service(actor=administrator, name=f"Program {number} {extra}", scope=Scope.READ)
        with django_assert_max_num_queries(40) as captured:  # type: ignore[operator] # the fixture's protocol
            client.get(reverse("clinic-services"))
        counts.append(len(captured))
    assert counts[0] == counts[1]
