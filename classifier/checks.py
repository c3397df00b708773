"""What of the domain must never start."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

SHA256 = re.compile(r"[0-9a-f]{64}")


@register(Tags.security)
def check_trusted_bundles(**_options: Any) -> list[CheckMessage]:
    """Bundles that may run code are named by their hash."""
    wrong = [word for word in settings.TRUSTED_BUNDLES if not SHA256.fullmatch(word)]
    if not wrong:
        return []
    return [
        Error(
            f"TRUSTED_BUNDLES holds {wrong[0][:80]!r}.",
            hint="Give hashes of 64 hexadecimal digits, as register_model prints them, with commas between.",
            id="skinsite.E022",
        )
    ]
