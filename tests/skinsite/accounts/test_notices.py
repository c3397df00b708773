"""Mails about one's own account: at a new place, a new token, a reset; without patients, and never in the way."""

from collections.abc import Sequence
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from skinsite.accounts.models import KnownPlace, Membership, Notice, Scope, User
from skinsite.accounts.services import notices
from skinsite.accounts.services.passwords import reset_password
from skinsite.accounts.tasks import send_notice
from skinsite.accounts.tokens import create_token
from skinsite.platform import tasks
from tests.skinsite.accounts.test_sessions import FIREFOX, SAFARI, signed_in


@pytest.fixture(autouse=True)
def _joined_long_ago(owner: Membership, colleague: Membership) -> None:
    User.objects.update(date_joined=timezone.now() - timedelta(days=30))


@pytest.fixture
def committed(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Any:
    """Runs what waits for the commit when its block ends."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


class Away:
    """A mail server that does not answer."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None: ...

    def send_messages(self, _messages: object) -> int:
        raise SMTPServerDisconnected


AWAY = f"{__name__}.Away"


class Picky(EmailBackend):
    """A mail server that knows all addresses but one."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        refused = [each for message in messages for each in message.to if each.startswith("gone@")]
        if refused:
            raise SMTPRecipientsRefused({refused[0]: (550, b"unknown")})
        return super().send_messages(messages)


PICKY = f"{__name__}.Picky"


def test_a_sign_in_from_a_new_place_is_mailed_once(owner: Membership, committed: Any) -> None:
    for browser, address, expected in (
        (FIREFOX, "192.0.2.1", 1),
        (FIREFOX, "192.0.2.1", 1),
        (FIREFOX, "198.51.100.7", 2),
        (SAFARI, "192.0.2.1", 3),
    ):
        with committed():
            signed_in(owner, browser, address)
        assert len(mail.outbox) == expected
    last = mail.outbox[-1]
    assert last.to == [owner.user.email]
    assert last.subject == "New sign-in"
    assert "Safari, iPhone" in last.body
    assert "192.0.2.1" in last.body


def test_another_address_of_the_same_network_of_ipv6_is_no_new_place(owner: Membership, committed: Any) -> None:
    for address in ("2001:db8:0:1::7", "2001:db8:0:1:ffff::9", "2001:db8:0:2::7"):
        notices.note_sign_in(user=owner.user, address=address, browser="Firefox, Windows")
    assert sorted(KnownPlace.objects.values_list("address", flat=True)) == ["2001:db8:0:1::/64", "2001:db8:0:2::/64"]


def test_places_are_each_persons_own(owner: Membership, colleague: Membership, committed: Any) -> None:
    with committed():
        signed_in(owner)
        signed_in(colleague)
    assert sorted(each.to[0] for each in mail.outbox) == sorted([owner.user.email, colleague.user.email])


def test_a_wrong_password_is_no_sign_in(owner: Membership, committed: Any) -> None:
    with committed():
        signed_in(owner, password="wrong")
    assert mail.outbox == []
    assert KnownPlace.objects.count() == 0


def test_who_has_just_joined_is_not_told_what_they_did(owner: Membership, committed: Any) -> None:
    User.objects.filter(pk=owner.user_id).update(date_joined=timezone.now())
    with committed():
        signed_in(owner)
    assert mail.outbox == []
    assert KnownPlace.objects.count() == 1


def test_it_is_in_the_persons_language(owner: Membership, committed: Any) -> None:
    User.objects.filter(pk=owner.user_id).update(language="ru")
    with committed():
        signed_in(owner)
    assert mail.outbox[0].subject == "Новый вход"
    assert "ничего делать не нужно" in mail.outbox[0].body


def test_a_new_token_and_a_reset_are_mailed_without_any_secret(
    owner: Membership, administrator: Membership, committed: Any
) -> None:
    with committed():
        _token, key = create_token(actor=owner, membership=owner, name="Notebook", scope=Scope.READ)
    with committed():
        uid, secret = reset_password(actor=administrator, membership=owner)
    token, reset = mail.outbox
    assert "Notebook" in token.body
    assert owner.clinic.name in reset.body
    for letter in (token, reset):
        assert letter.to == [owner.user.email]
        assert not any(text in f"{letter.body} {letter.subject}" for text in (key, secret, f"/{uid}/"))


def test_what_is_undone_is_not_mailed(owner: Membership, committed: Any) -> None:
    with committed(), pytest.raises(LookupError):
        _fail_after_a_token(owner)
    assert mail.outbox == []
    assert Notice.objects.count() == 0


def _fail_after_a_token(owner: Membership) -> None:
    with transaction.atomic():
        create_token(actor=owner, membership=owner, name="Notebook", scope=Scope.READ)
        raise LookupError


def test_a_mail_server_that_is_away_fails_no_request_and_the_night_tries_again(
    owner: Membership, committed: Any, settings: Settings
) -> None:
    settings.EMAIL_BACKEND, works = AWAY, settings.EMAIL_BACKEND
    with committed():
        client = signed_in(owner)
    assert client.get(reverse("account")).status_code == 200
    assert Notice.objects.get().sent_at is None
    settings.EMAIL_BACKEND = works
    notices.send_waiting()
    notices.send_waiting()
    assert len(mail.outbox) == 1
    assert Notice.objects.get().sent_at is not None


def test_an_address_that_is_refused_keeps_nobody_elses_mail(
    owner: Membership, colleague: Membership, settings: Settings
) -> None:
    User.objects.filter(pk=owner.user_id).update(email="gone@clinic.example")
    for member in (owner, colleague):
        Notice.objects.create(user=member.user, kind="token", language="en")
    settings.EMAIL_BACKEND = PICKY
    notices.send_waiting()
    assert [message.to for message in mail.outbox] == [[colleague.user.email]]


def test_what_is_too_old_is_no_news_and_then_forgotten(owner: Membership, settings: Settings) -> None:
    old = Notice.objects.create(
        user=owner.user, kind="token", language="en", made_at=timezone.now() - timedelta(days=3)
    )
    notices.send_waiting()
    assert mail.outbox == []
    Notice.objects.filter(pk=old.pk).update(made_at=timezone.now() - timedelta(days=31))
    notices.send_waiting()
    assert Notice.objects.count() == 0


def test_where_there_are_workers_one_of_them_sends_it(
    owner: Membership, committed: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(tasks, "send", lambda name, *ids: sent.append((name, *ids)))
    settings.PREDICTION_MODE = "celery"
    with committed():
        signed_in(owner)
    assert mail.outbox == []
    notice = Notice.objects.get()
    assert sent == [(send_notice.name, notice.pk)]
    send_notice(notice.pk)
    send_notice(notice.pk)
    assert len(mail.outbox) == 1


def test_a_broker_that_is_away_fails_no_request(
    owner: Membership, committed: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_name: str, *_ids: int) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(tasks, "send", refuse)
    settings.PREDICTION_MODE = "celery"
    with committed():
        client = signed_in(owner)
    assert client.get(reverse("account")).status_code == 200
    assert Notice.objects.get().sent_at is None


def test_without_a_mail_server_nothing_is_kept_to_be_sent(
    owner: Membership, committed: Any, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    with committed():
        signed_in(owner)
    assert Notice.objects.count() == 0
