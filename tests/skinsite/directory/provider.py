"""A provider of OpenID Connect that runs as a real server, and lies where it is told to."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import jwt
import oidc_provider_mock
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.serving import make_server

Claims = dict[str, Any]
TOKEN = "/oauth2/token"


class Provider:
    """The mock, with what it answers in these hands. ``lie`` makes the id token of true claims and the private key."""

    def __init__(self) -> None:
        self.url = ""
        self.be_honest()
        self._storage: Any = None
        self.app = oidc_provider_mock.app()
        self.app.before_request(self._before)
        self.app.after_request(self._after)

    def be_honest(self) -> None:
        """Tell no lies, and forget what was asked."""
        self.lie: Callable[[Claims, Provider], str] = lambda claims, provider: provider.sign(claims)
        self.refuses_refresh = False
        self.is_away = False
        self.gives_refresh_tokens = True
        self.described: dict[str, str] = {}
        self.asked: list[dict[str, str]] = []
        self.turned_away = 0
        # Refresh tokens that it answers with a fault of its own, and what an id token says that comes with a new one.
        self.stumbles_over: set[str] = set()
        self.said_at_refresh: Claims | None = None
        self.given_at_refresh = ""

    @cached_property
    def key(self) -> Any:
        """The private key, as PyJWT takes it."""
        return jwt.PyJWK(self._storage.jwk.as_dict(is_private=True), algorithm="RS256").key

    @property
    def key_id(self) -> str:
        """How the provider's list of keys calls it."""
        return str(self._storage.jwk.as_dict()["kid"])

    @property
    def public_pem(self) -> bytes:
        """The public key, as anybody may fetch it."""
        pem: bytes = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    def sign(self, claims: Claims, *, key: Any = None, algorithm: str | None = "RS256", **header: str) -> str:
        """An id token of these claims."""
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": self.key_id, **header})

    def sign_by_public_key(self, claims: Claims) -> str:
        """What somebody can make who knows the public key alone."""
        head = _part({"alg": "HS256", "typ": "JWT", "kid": self.key_id})
        signed = f"{head}.{_part(claims)}"
        return f"{signed}.{_encode(hmac.new(self.public_pem, signed.encode(), hashlib.sha256).digest())}"

    def sign_by_another_key(self, claims: Claims) -> str:
        """Of a stranger's key, under the provider's name for its own."""
        return self.sign(claims, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def know(self, subject: str, **claims: Any) -> None:
        """Have an account for somebody."""
        answer = requests.put(f"{self.url}/users/{subject}", json=claims, timeout=5)
        answer.raise_for_status()

    def authorise(self, address: str, subject: str) -> str:
        """Sign in there, as somebody whom a page of ours has sent; where the browser is sent back to."""
        answer = requests.post(address, data={"sub": subject}, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    @contextmanager
    def serving(self) -> Iterator["Provider"]:
        """Answer on a free port."""
        server = make_server("localhost", 0, self.app, threaded=True)
        self.url = f"http://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join(5)
            server.server_close()

    def _before(self) -> flask.typing.ResponseReturnValue | None:
        self._storage = flask.g.oidc_provider_mock_storage
        if self.is_away:
            self.turned_away += 1
            return "away", 503
        if flask.request.path == TOKEN:
            self.asked.append(flask.request.form.to_dict())
            if flask.request.form.get("refresh_token") in self.stumbles_over:
                return {"error": "server_error"}, 500
            if self.refuses_refresh and flask.request.form["grant_type"] == "refresh_token":
                return {"error": "invalid_grant", "error_description": "User disabled"}, 400
        return None

    def _after(self, response: flask.Response) -> flask.Response:
        if flask.request.path.endswith("/openid-configuration") and response.status_code == 200:
            response.set_data(json.dumps(response.get_json() | self.described))
        if flask.request.path == TOKEN and response.status_code == 200:
            answer = response.get_json()
            if "id_token" in answer:
                claims = jwt.decode(answer["id_token"], options={"verify_signature": False})
                answer["id_token"] = self.lie(claims, self)
            elif self.said_at_refresh is not None:
                now = int(time.time())
                claims = {"iss": self.url, "aud": "skinsite", "iat": now, "exp": now + 60, **self.said_at_refresh}
                answer["id_token"] = self.sign(claims)
            if self.given_at_refresh:
                answer["refresh_token"] = self.given_at_refresh
            if not self.gives_refresh_tokens:
                answer.pop("refresh_token", None)
            response.set_data(json.dumps(answer))
        return response


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address, each once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def _part(content: Claims) -> str:
    return _encode(json.dumps(content).encode())


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
