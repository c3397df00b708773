"""The second factor: setting up, signing in with it, losing it, and who must have one."""

import base64
import hashlib
import hmac
import json
import re
import struct
import time
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts.models import Clinic, Membership, User
from skinsite.accounts.second_factor import SecondFactorAdapter
from skinsite.accounts.services.second_factors import reset_second_factor, set_second_factor_required
from skinsite.audit.models import AuditEvent
from skinsite.platform.rate_limits import look, spend
from skinsite.settings.rates import Rate
from tests.factories import PASSWORD, MembershipFactory
from tests.skinsite.conftest import SignIn, token_for

STEP = 30


def code_at(secret: str, moment: float) -> str:
    """The code of RFC 6238, by its text."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(moment) // STEP), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def sign_in_with_password(email: str, client: Client | None = None) -> tuple[Client, str]:
    """A browser after the first step, and where that led."""
    client = client or Client()
    return client, client.post(reverse("account_login"), {"login": email, "password": PASSWORD})["Location"]


def enrol(client: Client) -> str:
    """Set up an app in this session; its secret."""
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    found = re.search(r'id="totp-secret"[^>]*>([A-Z2-7]+)<', page)
    assert found is not None
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_at(found[1], time.time() - STEP)})
    assert answer["Location"] == reverse("mfa_view_recovery_codes")
    return found[1]


@pytest.fixture
def enrolled(owner: Membership, django_capture_on_commit_callbacks: Any) -> str:
    """The owner has an app; its secret."""
    client, _where = sign_in_with_password(owner.user.email)
    with django_capture_on_commit_callbacks(execute=True):
        return enrol(client)


def recovery_codes(client: Client) -> list[str]:
    return re.findall(r"<code>(\d{8})</code>", client.get(reverse("mfa_view_recovery_codes")).content.decode())


# Signing in


def test_an_app_is_set_up_and_asked_for(owner: Membership, enrolled: str) -> None:
    client, where = sign_in_with_password(owner.user.email)
    assert where == reverse("mfa_authenticate")
    assert client.get(reverse("account")).status_code == 302
    assert client.post(where, {"code": code_at(enrolled, time.time())})["Location"] == reverse("home")
    assert client.get(reverse("account")).status_code == 200
    actions = list(AuditEvent.objects.filter(actor=owner.user).order_by("pk").values_list("action", flat=True))
    assert actions == [
        "user.signed_in",
        "user.second_factor_added",
        "user.second_factor_added",
        "user.second_factor_used",
        "user.signed_in",
    ]


def test_the_way_on_is_kept_through_the_second_step(owner: Membership, enrolled: str) -> None:
    client = Client()
    address = reverse("account")
    client.post(reverse("account_login"), {"login": owner.user.email, "password": PASSWORD, "next": address})
    assert client.post(reverse("mfa_authenticate"), {"code": code_at(enrolled, time.time())})["Location"] == address


def test_a_code_is_good_for_once(owner: Membership, enrolled: str) -> None:
    code = code_at(enrolled, time.time())
    first, where = sign_in_with_password(owner.user.email)
    second, _where = sign_in_with_password(owner.user.email)
    assert first.post(where, {"code": code}).status_code == 302
    assert "used already" in second.post(where, {"code": code}).content.decode()


def test_wrong_codes_are_few_and_recorded(owner: Membership, enrolled: str) -> None:
    client, where = sign_in_with_password(owner.user.email)
    for _number in range(6):
        assert "not right" in client.post(where, {"code": "000000"}).content.decode()
    assert "Wait a quarter of an hour" in client.post(where, {"code": code_at(enrolled, time.time())}).content.decode()
    refused = AuditEvent.objects.filter(action="user.second_factor_refused", object_id=str(owner.user.public_id))
    assert refused.count() == 6
    assert refused[0].details["address"] == "127.0.0.1"


def test_a_recovery_code_works_once(owner: Membership) -> None:
    client, _where = sign_in_with_password(owner.user.email)
    enrol(client)
    codes = recovery_codes(client)
    assert len(codes) == 10
    browser, where = sign_in_with_password(owner.user.email)
    assert browser.post(where, {"code": codes[3]}).status_code == 302
    again, where = sign_in_with_password(owner.user.email)
    assert "used already" in again.post(where, {"code": codes[3]}).content.decode()
    assert again.post(where, {"code": codes[4]}).status_code == 302
    used = AuditEvent.objects.filter(action="user.second_factor_used", actor=owner.user)
    assert {event.details["factor"] for event in used} == {"recovery_codes"}


def test_secrets_are_kept_encrypted_and_open_after_the_key_is_changed(
    owner: Membership, enrolled: str, settings: Settings
) -> None:
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert enrolled not in kept
    assert enrolled not in str(list(AuditEvent.objects.values()))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, since that one was seen by somebody"
    adapter = SecondFactorAdapter()
    secret = Authenticator.objects.get(type="totp").data["secret"]
    assert adapter.decrypt(secret) == enrolled
    settings.SECRET_KEY_FALLBACKS = []
    assert adapter.decrypt(secret) == ""


def test_nobody_is_asked_twice_right_after_signing_in_but_later(
    owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _where = sign_in_with_password(owner.user.email)
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    response = client.get(reverse("mfa_activate_totp"))
    assert response["Location"].startswith(reverse("account_reauthenticate"))
    page = client.post(response["Location"], {"password": "wrong"}).content.decode()
    assert "Show that it is you" in page
    assert client.post(response["Location"], {"password": PASSWORD})["Location"] == reverse("mfa_activate_totp")


# Keys


def made_up(origin: str) -> str:
    data = base64.urlsafe_b64encode(json.dumps({"type": "webauthn.get", "challenge": "x", "origin": origin}).encode())
    return json.dumps({"id": "x", "rawId": "x", "type": "public-key", "response": {"clientDataJSON": data.decode()}})


@pytest.mark.parametrize(
    "credential",
    ["", "{", "[]", "1", "null", '{"response": 7}', '{"response": {"clientDataJSON": "%"}}', made_up("http://testserver"),
     made_up("https://evil.example"), made_up("http://sub.testserver")],
)  # fmt: skip
def test_what_no_key_of_this_site_answered_is_refused(owner: Membership, enrolled: str, credential: str) -> None:
    client, where = sign_in_with_password(owner.user.email)
    response = client.post(where, {"credential": credential})
    assert response.status_code == 200
    assert client.get(reverse("account")).status_code == 302
    added, _where = sign_in_with_password(MembershipFactory.create().user.email)
    page = added.post(reverse("mfa_add_webauthn"), {"credential": credential, "name": "k"})
    assert page.status_code == 200
    assert not Authenticator.objects.filter(type="webauthn").exists()


@pytest.mark.parametrize("what", ["key", "app"])
def test_what_is_set_up_in_a_session_forgives_no_wrong_codes(owner: Membership, what: str) -> None:
    stolen, _where = sign_in_with_password(owner.user.email)
    for _number in range(5):
        spend("second_factor", owner.user.pk)
    if what == "app":
        enrol(stolen)
    else:
        stolen.post(reverse("mfa_add_webauthn"), {"credential": made_up("http://testserver"), "name": "k"})
    standing = look("second_factor", owner.user.pk)
    assert standing is not None
    assert standing.used == 5


def test_what_no_passkey_answered_signs_nobody_in_and_counts_by_address_alone(
    owner: Membership, settings: Settings
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"sign_in_address": Rate(6, 3600)}
    handle = base64.urlsafe_b64encode(str(owner.user.pk).encode()).decode()
    claims = json.loads(made_up("http://testserver"))
    claims["response"] |= {"userHandle": handle, "authenticatorData": "AA", "signature": "AA"}
    huge = json.loads(made_up("http://testserver"))
    huge["response"] |= {"userHandle": base64.urlsafe_b64encode(b"9" * 40).decode()}
    answers = ["[1]", made_up("http://testserver"), made_up("https://evil.example"), json.dumps(huge), "7"]
    answers.append(json.dumps(claims))
    client = Client(REMOTE_ADDR="192.0.2.7")
    for answer in answers:
        question = client.post(reverse("account_passkey_begin")).json()["request_options"]["publicKey"]
        assert question["userVerification"] == "required"
        assert not question.get("allowCredentials")
        response = client.post(reverse("account_passkey"), {"credential": answer}, follow=True)
        assert "not right" in response.content.decode()
    assert client.get(reverse("account")).status_code == 302
    assert client.post(reverse("account_passkey"), {"credential": answers[-1]}).status_code == 429
    assert client.post(reverse("account_passkey"), {"credential": ""}).status_code == 302
    failed = AuditEvent.objects.filter(action="user.sign_in_failed")
    assert {(event.object_id, event.actor) for event in failed} <= {("", None)}
    assert sign_in_with_password(owner.user.email)[1] == reverse("home")


# Who must have one


def test_a_clinic_asks_it_of_everybody_also_in_open_sessions(
    administrator: Membership, owner: Membership, sign_in: SignIn
) -> None:
    client = sign_in(owner)
    WebAuthn.add(MembershipFactory.create(clinic=owner.clinic).user, "Blue key", {})
    WebAuthn.add(MembershipFactory.create(clinic=owner.clinic, is_active=False).user, "Blue key", {})
    assert client.get(reverse("home")).status_code == 200
    boss = sign_in(administrator)
    asked = boss.post(reverse("clinic-second-factor"), {"required": "yes"}).content.decode()
    assert "2 people who work here have none yet" in asked  # the third of three has one
    assert client.get(reverse("home")).status_code == 200
    boss.post(reverse("clinic-second-factor"), {"required": "yes", "confirmed": "yes"})
    for method in (client.get, client.post):
        response = method(reverse("home"))
        assert response["Location"] == reverse("mfa_index")
    assert client.get("/api/v1/patients/").status_code == 403
    assert client.get(reverse("home"), headers={"HX-Request": "true"}).status_code == 403
    assert "Set up a second factor to go on" in client.get(reverse("mfa_index")).content.decode()
    assert client.get(reverse("session")).status_code == 200
    assert boss.get(reverse("clinic"))["Location"] == reverse("mfa_index")
    _token, key = token_for(owner)
    assert Client().get("/api/v1/patients/", headers={"Authorization": f"Token {key}"}).status_code == 200
    signed, _where = sign_in_with_password(owner.user.email)
    enrol(signed)
    assert signed.get(reverse("home")).status_code == 200
    assert client.get(reverse("home")).status_code == 200
    assert AuditEvent.objects.get(action="clinic.second_factor_set").details == {"required": True}


def test_setting_one_up_ends_the_sessions_from_before(
    owner: Membership, colleague: Membership, django_capture_on_commit_callbacks: Any
) -> None:
    before, _where = sign_in_with_password(owner.user.email)
    theirs, _where = sign_in_with_password(colleague.user.email)
    here, _where = sign_in_with_password(owner.user.email)
    with django_capture_on_commit_callbacks(execute=True):
        secret = enrol(here)
    assert before.get(reverse("home"))["Location"].startswith(reverse("account_login"))
    assert here.get(reverse("home")).status_code == 200
    assert theirs.get(reverse("home")).status_code == 200
    after, where = sign_in_with_password(owner.user.email)
    assert after.post(where, {"code": code_at(secret, time.time())}).status_code == 302
    assert here.get(reverse("home")).status_code == after.get(reverse("home")).status_code == 200


def test_a_form_that_changes_the_clinic_asks_for_it_as_well(owner: Membership, sign_in: SignIn) -> None:
    strict = MembershipFactory.create(user=owner.user)
    Clinic.objects.filter(pk=strict.clinic_id).update(second_factor_required=True)
    client = sign_in(owner)
    target = str(strict.clinic.public_id)
    answer = client.post(reverse("patient-create"), {"made_for": target, "work_in": target, "code": "P-1"})
    assert answer["Location"] == reverse("mfa_index")
    assert not AuditEvent.objects.filter(action="patient.created").exists()
    assert client.get(reverse("home"))["Location"] == reverse("mfa_index")


def test_who_must_have_one_does_not_remove_the_last(administrator: Membership, owner: Membership) -> None:
    client, _where = sign_in_with_password(owner.user.email)
    enrol(client)
    set_second_factor_required(actor=administrator, required=True)
    page = client.post(reverse("mfa_deactivate_totp"))
    assert "asks for a second factor" in page.content.decode()
    set_second_factor_required(actor=administrator, required=False)
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(user=owner.user).exists()


def test_only_the_clinics_administrator_decides(owner: Membership, stranger: Membership, sign_in: SignIn) -> None:
    assert sign_in(owner).post(reverse("clinic-second-factor"), {"required": "yes"}).status_code == 403
    sign_in(stranger).post(reverse("clinic-second-factor"), {"required": "yes", "confirmed": "yes"})
    owner.clinic.refresh_from_db()
    assert not owner.clinic.second_factor_required


def test_who_runs_the_site_is_led_to_setting_one_up(db: None, settings: Settings) -> None:
    settings.SUPERUSERS_NEED_SECOND_FACTOR = True
    superuser = User.objects.create_superuser("root@site.example", PASSWORD)
    client, where = sign_in_with_password(superuser.email)
    assert client.get(where, follow=True).redirect_chain[-1][0] == reverse("mfa_index")
    enrol(client)
    assert client.get(reverse("admin:index"))["Location"] == "/admin/accounts/clinic/"


# Losing it


def test_an_administrator_resets_it_and_both_are_told(
    administrator: Membership,
    owner: Membership,
    sign_in: SignIn,
    enrolled: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    theirs, where = sign_in_with_password(owner.user.email)
    theirs.post(where, {"code": code_at(enrolled, time.time())})
    assert theirs.get(reverse("account")).status_code == 200
    boss, address = sign_in(administrator), reverse("clinic-member-second-factor", args=[owner.user.public_id])
    assert "Make sure that it is this person" in boss.post(address).content.decode()
    assert Authenticator.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        boss.post(address, {"confirmed": "yes"})
    assert not Authenticator.objects.exists()
    assert theirs.get(reverse("account")).status_code == 302
    assert sorted(message.to[0] for message in mail.outbox) == sorted([owner.user.email, administrator.user.email])
    event = AuditEvent.objects.get(action="user.second_factor_reset")
    assert (event.actor, event.clinic, event.object_id) == (administrator.user, owner.clinic, str(owner.user.public_id))
    assert sign_in_with_password(owner.user.email)[1] == reverse("home")


def test_a_reset_ends_sessions_of_which_no_row_tells(
    administrator: Membership, owner: Membership, enrolled: str, sign_in: SignIn
) -> None:
    owner.user.refresh_from_db()
    untold, others = sign_in(owner), sign_in(administrator)
    UserSession.objects.all().delete()
    assert untold.get(reverse("account")).status_code == 200
    reset_second_factor(actor=administrator, membership=owner)
    assert untold.get(reverse("account")).status_code == 302
    assert others.get(reverse("account")).status_code == 200


def test_nobody_else_resets_it(
    administrator: Membership, owner: Membership, colleague: Membership, stranger: Membership, enrolled: str
) -> None:
    for actor in (colleague, stranger):
        with pytest.raises(PermissionDenied):
            reset_second_factor(actor=actor, membership=owner)
    with pytest.raises(ValidationError):
        reset_second_factor(actor=administrator, membership=administrator)
    MembershipFactory.create(user=owner.user)
    with pytest.raises(ValidationError, match="not your clinic's alone"):
        reset_second_factor(actor=administrator, membership=owner)
    assert Authenticator.objects.filter(user=owner.user).exists()


def test_the_server_resets_what_no_administrator_can(owner: Membership, enrolled: str) -> None:
    call_command("reset_second_factor", owner.user.email.upper(), stdout=StringIO())
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.get(action="user.second_factor_reset").actor is None


def test_a_key_added_long_ago_is_listed_by_its_name(owner: Membership, sign_in: SignIn) -> None:
    WebAuthn.add(owner.user, "Blue <key>", {})
    assert "Blue &lt;key&gt;" in sign_in(owner).get(reverse("mfa_index")).content.decode()
