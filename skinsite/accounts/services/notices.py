"""Mails to people about their own accounts: written down with what they tell of, and sent once that is committed.

Nothing waits for a mail server that is needed for something else: one that fails leaves the mail to the night.
"""

import logging
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from skinsite.accounts.lockout import network_of
from skinsite.accounts.mail import has_mail_server, mail_notice
from skinsite.accounts.models import KnownPlace, Notice, NoticeKind, User
from skinsite.platform import tasks

log = logging.getLogger(__name__)

TASK = "skinsite.accounts.tasks.send_notice"
# Whoever joins is signed in at once, by what they have just done.
JOINING = timedelta(minutes=10)
PLACES_KEPT = timedelta(days=365)
TRIED_FOR = timedelta(days=2)
FAILURES = 3  # one after another, of a server that is away
KEPT = timedelta(days=30)


def note_sign_in(*, user: User, address: str, browser: str) -> None:
    """Remember where a person signed in from, and tell them by mail where that is new.

    An address of IPv6 is known by its /64: a browser takes another one of it each day.
    """
    now = timezone.now()
    with transaction.atomic():
        place, is_new = KnownPlace.objects.get_or_create(
            user=user, address=network_of(address), browser=browser, defaults={"last_at": now}
        )
        if not is_new:
            KnownPlace.objects.filter(pk=place.pk).update(last_at=now)
            return
        KnownPlace.objects.filter(user=user, last_at__lt=now - PLACES_KEPT).delete()
        if user.date_joined < now - JOINING:
            notify(user, NoticeKind.SIGN_IN, address=address, browser=browser)


def notify(user: User, kind: NoticeKind, **facts: str) -> None:
    """Have a mail sent once the transaction is committed; none where there is no mail server.

    In the person's language, or that of the page where they have chosen none.
    """
    if not has_mail_server():
        return
    language = user.language or translation.get_language() or settings.LANGUAGE_CODE
    notice = Notice.objects.create(user=user, kind=kind, language=language, facts=facts)
    transaction.on_commit(partial(_hand_over, notice.pk), robust=True)


def send_notice(*, notice_id: int) -> bool:
    """Send a mail that waits; whether it has been sent. Two at once may both send it: once too often is no harm."""
    notice = Notice.objects.filter(pk=notice_id, sent_at=None).select_related("user").first()
    if notice is None or not mail_notice(notice=notice):
        return False
    return bool(Notice.objects.filter(pk=notice.pk).update(sent_at=timezone.now()))


def send_waiting() -> None:
    """Try again what could not be sent in the last two days, and forget what is a month old."""
    now = timezone.now()
    failed = 0
    for pk in Notice.objects.filter(sent_at=None, made_at__gt=now - TRIED_FOR).values_list("pk", flat=True):
        failed = 0 if send_notice(notice_id=pk) else failed + 1
        if failed == FAILURES:
            break  # no single address that is refused: the server is still away, and the others wait too
    Notice.objects.filter(made_at__lt=now - KEPT).delete()


def _hand_over(notice_id: int) -> None:
    """Send it by a worker where there is one, else here."""
    if settings.PREDICTION_MODE != "celery":
        send_notice(notice_id=notice_id)
        return
    try:
        tasks.send(TASK, notice_id)
    except Exception:  # noqa: BLE001 whatever the broker's client raises: the request is done, and the night sends it
        log.warning("A mail waits, since the broker does not answer")
