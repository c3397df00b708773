"""What a page asks before it sends anything: who is signed in now, for which clinic, and for how long still."""

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from skinsite.accounts.actors import ActingPerson
from skinsite.accounts.middleware import seconds_left
from skinsite.accounts.models import User


@never_cache
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> JsonResponse:
    """Tell of the session, with a fresh token for forms that are older than it.

    To ask is no activity; a POST is, and keeps somebody signed in who only reads.
    """
    membership: ActingPerson | None = getattr(request, "membership", None)
    user = request.user if isinstance(request.user, User) else None
    return JsonResponse(
        {
            "person": user and str(user.public_id),
            "clinic": membership and str(membership.clinic.public_id),
            "seconds": seconds_left(request) if user else 0,
            "token": get_token(request),
        }
    )
