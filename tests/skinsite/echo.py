"""A WSGI application that tells what it was given; for tests of how bodies are taken in and answers are sent."""

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any

from django.conf import settings

from skinsite.platform import bodies, server
from skinsite.platform.bodies import REFUSED, take_bodies_first

LARGE = [bytes(50_000)] * 400

# A client that takes nothing is shut out within two seconds, and not within half a minute.
server.SEND_SECONDS, server.LEAST_BYTES_A_SECOND = 1.0, 50_000
# Nor need what does not arrive be waited for as long as in service.
server.HEAD_SECONDS = 3.0
bodies.PATIENCE_SECONDS = 5.0

if "ECHO" in os.environ:  # in the server, and not where tests import this: photographs would be taken in at its root
    settings.UPLOAD_PATHS = {"/"}


def _tell(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/large":
        start_response("200 OK", [("Content-Length", str(sum(map(len, LARGE))))])
        return LARGE
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    told = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "refused": environ.get(REFUSED)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


application = take_bodies_first(_tell)
