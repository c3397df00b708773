"""What other systems call records: one identifier names one record of its kind in a clinic."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _


def require_unused(external_id: str, *, among: QuerySet[Any]) -> None:
    """Refuse an identifier that another of the clinic's records has; call with the clinic locked.

    Raises ``ValidationError`` at ``external_id``.
    """
    if external_id and among.filter(external_id=external_id).exists():
        message = _("Another record of this clinic has this identifier.")
        raise ValidationError({"external_id": ValidationError(message, code="unique")})
