"""Signing in by a passkey alone: the question that it answers, and the answer."""

from allauth.mfa.webauthn.internal.auth import begin_authentication
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST


@never_cache
@require_POST
def begin(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 allauth has the request at hand
    """A question for any passkey of this site, kept in the session; asked by POST, which counts among strangers'."""
    return JsonResponse({"request_options": begin_authentication(user=None)}, encoder=DjangoJSONEncoder)


@method_decorator(never_cache, name="dispatch")
class PasskeyView(LoginWebAuthnView):  # type: ignore[misc] # allauth ships no types
    """allauth's own: the answer signs in, or leads back to the sign-in page with words."""

    http_method_names = ("post",)
