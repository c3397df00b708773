"""Mail about accounts. Links go by it alone; without a mail server they are shown, to hand over."""

import logging
from datetime import datetime
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from skinsite.accounts.browsers import browser_in_words
from skinsite.accounts.models import Clinic, Invitation, Notice, User
from skinsite.zones import write_moment, zone_named

logger = logging.getLogger(__name__)

CONSOLE = "django.core.mail.backends.console.EmailBackend"


def has_mail_server() -> bool:
    """Whether mail leaves the site. Where it does, links go to their person by mail alone."""
    return str(settings.EMAIL_BACKEND) != CONSOLE


def mail_invitation(*, invitation: Invitation, link: str) -> bool:
    """Send the link of an invitation; whether that went well. The console, which is a log, never gets one."""
    with timezone.override(invitation.clinic.zone):  # whoever is invited has none yet
        until = write_moment(invitation.expires_at)
    context = {"invitation": invitation, "link": link, "until": until}
    text = render_to_string("accounts/invitation_email.txt", context)
    return _send(_("Invitation to %(clinic)s") % {"clinic": invitation.clinic.name}, text, invitation.email)


def mail_password_link(*, user: User, by: User, link: str, clinic: Clinic | None) -> bool:
    """Send a person the link that sets a new password, and who reset it, for a clinic or as who runs the site; whether
    that went well."""
    text = render_to_string("accounts/password_email.txt", {"clinic": clinic, "by": by, "link": link})
    subject = _("A new password for %(clinic)s") % {"clinic": clinic.name} if clinic else _("A new password")
    return _send(subject, text, user.email)


def _send(subject: str, text: str, to: str) -> bool:
    if not has_mail_server():
        return False
    try:
        return send_mail(subject, text, None, [to]) == 1
    except (OSError, SMTPException) as error:
        logger.warning("A link could not be mailed: %s", type(error).__name__)
        return False


def mail_second_factor_reset(*, user: User, by: User | None) -> None:
    """Tell a person, and the administrator who did it, that a second factor was taken away; without a server nobody."""
    if not has_mail_server():
        return
    text = render_to_string("accounts/second_factor_reset_email.txt", {"user": user, "by": by})
    recipients = [user.email, *([by.email] if by else [])]
    for recipient in recipients:
        try:
            send_mail(_("Second factor reset"), text, None, [recipient])
        except (OSError, SMTPException) as error:
            logger.warning("A notice could not be mailed: %s", type(error).__name__)


def mail_notice(*, notice: Notice) -> bool:
    """Send a person a mail about their own account, in its language; whether that went well."""
    zone = zone_named(notice.user.time_zone)
    with translation.override(notice.language), timezone.override(zone):
        context = {
            "notice": notice,
            "at": write_moment(notice.made_at),
            "browser": browser_in_words(notice.facts.get("browser", "")),
        }
        if notice.facts.get("until"):
            context["until"] = write_moment(datetime.fromisoformat(notice.facts["until"]))
        text = render_to_string("accounts/notice_email.txt", context)
        subject = notice.get_kind_display()
    try:
        return send_mail(subject, text, None, [notice.user.email]) == 1
    except (OSError, SMTPException) as error:
        logger.warning("A notice could not be mailed: %s", type(error).__name__)
        return False
