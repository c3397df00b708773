"""Asks before an account, a password, a token or an invitation ends, or what meets everybody begins."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from skinsite.accounts.made_for import FIELD
from skinsite.accounts.models import ApiToken

TOKEN_LETTERS = 6  # as the list of tokens shows them


def ask_about_token(request: HttpRequest, token: ApiToken, *, back: str) -> HttpResponse | None:
    """Ask before an API token ends."""
    return ask_first(
        request,
        title=_("Revoke the API token %(start)s…?") % {"start": token.token_key[:TOKEN_LETTERS]},
        text=_("The program that uses it is refused from then on. This cannot be undone; a new token can be made."),
        button=_("Revoke"),
        back=back,
    )


def ask_first(request: HttpRequest, *, title: str, text: str, button: str, back: str) -> HttpResponse | None:
    """Give the page that asks, which sends the same form again; None once it was asked.

    On the server, so that one click alone ends nothing, with a script or without. ``back`` names the page to leave to.
    """
    if request.POST.get("confirmed") == "yes":
        return None
    sent = [(name, value) for name, value in request.POST.items() if name not in {"csrfmiddlewaretoken", FIELD}]
    context = {"title": title, "text": text, "button": button, "back": reverse(back), "sent": sent}
    return render(request, "accounts/confirm.html", context)
