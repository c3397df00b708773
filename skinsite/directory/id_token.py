"""What must be true of an id token before anything in it is believed (OpenID Connect Core 3.1.3.7).

As of allauth 65.22 the code flow of its provider ``openid_connect`` checks issuer, audience and expiry, keeps the state
in the session, for one provider and one use, and knows PKCE (off by default). It checks no signature of a token that
it fetched by itself, sends and checks no nonce, does not look at ``azp``, and where it does check a signature (of a
token that a browser sent) it takes the algorithm from the token's own header. Hence this adapter.
"""

from typing import Any

import jwt
from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from skinsite.directory.configuration import describe, fetch_keys
from skinsite.directory.refusals import Reason, RefusalError
from skinsite.directory.token_endpoint import ask_for_tokens
from skinsite.settings.directories import Directory

LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 191  # of allauth's column
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


def nonce_for(state: str) -> str:
    """The nonce of a sign-in. Its state lies in one browser's session and works once; so does what is made of it."""
    return salted_hmac("skinsite.directory.nonce", state, algorithm="sha256").hexdigest()


def read_id_token(directory: Directory, token: object, *, nonce: str | None) -> dict[str, Any]:
    """The claims of an id token of this directory for this site; ``nonce`` is None where none was sent.

    Raises ``RefusalError`` for one that is not signed by the directory, is for somebody else, of another time or
    another sign-in, or names nobody.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            str(token),
            _find_key(directory, str(token)),
            algorithms=list(directory.algorithms),
            issuer=describe(directory)["issuer"],
            audience=directory.client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
        raise RefusalError(Reason.CLOCK, str(error)) from error
    except (jwt.PyJWTError, ValueError) as error:
        raise RefusalError(Reason.FORGED, f"{type(error).__name__}: {error}") from error
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims.get("azp", directory.client_id if len(audiences) == 1 else None) != directory.client_id:
        raise RefusalError(Reason.FORGED, "azp: made for another client")
    if nonce is not None and not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise RefusalError(Reason.FORGED, "nonce: of another sign-in")
    if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
        raise RefusalError(Reason.FORGED, "sub: empty or too long")
    return claims


def _find_key(directory: Directory, token: str) -> jwt.PyJWK:
    header = jwt.get_unverified_header(token)
    if header.get("alg") not in directory.algorithms:
        raise jwt.InvalidAlgorithmError(f"{header.get('alg')!r} is not allowed")
    for anew in (False, True):  # a key that the directory has made since it was last asked
        for key in fetch_keys(directory, anew=anew):
            is_named = header.get("kid") in (None, key.get("kid"))
            if is_named and key.get("use", "sig") == "sig" and key.get("alg", header["alg"]) == header["alg"]:
                return jwt.PyJWK(key, algorithm=header["alg"])
    raise jwt.InvalidKeyError("it is signed by no key of the directory")


class NonceClient(OAuth2Client):  # type: ignore[misc] # allauth ships no types
    """Sends the nonce along."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, Any]) -> str:
        """Where the browser goes."""
        extra = {**extra_params, "nonce": nonce_for(self.state)}
        return str(super().get_redirect_url(authorization_url, scope, extra))


class DirectoryAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc] # as above
    """allauth's flow, with the checks that it leaves out."""

    client_class = NonceClient

    @property
    def directory(self) -> Directory:
        """Whose answer it is."""
        directory: Directory = self.get_provider().directory
        return directory

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the directory says of itself."""
        return describe(self.directory)

    def get_access_token_data(
        self,
        request: HttpRequest,
        app: Any,  # noqa: ARG002 allauth's signature
        client: OAuth2Client,
        pkce_code_verifier: str = "",
    ) -> dict[str, Any]:
        """What the directory gives for the code; nothing is sent where another provider says that it answers."""
        if request.GET.get("iss", self.openid_config["issuer"]) != self.openid_config["issuer"]:  # RFC 9207
            raise RefusalError(Reason.FORGED, "iss: another provider's answer")
        code, back = request.GET["code"], client.callback_url
        return ask_for_tokens(
            self.directory,
            grant_type="authorization_code",
            code=code,
            redirect_uri=back,
            code_verifier=pkce_code_verifier,
        )

    def complete_login(
        self,
        request: HttpRequest,
        app: Any,  # noqa: ARG002 as above
        token: SocialToken,  # noqa: ARG002 as above
        **kwargs: Any,
    ) -> SocialLogin:
        """Who it is, by the id token alone: nothing unsigned is believed."""
        # The state was looked up in the session and used up by the view, or nobody would be here.
        nonce = nonce_for(request.GET["state"])
        claims = read_id_token(self.directory, kwargs["response"].get("id_token"), nonce=nonce)
        # allauth takes what else is claimed to be text; here it is read by `skinsite.directory.claims`.
        login = self.get_provider().sociallogin_from_response(request, {"id_token": {"sub": claims["sub"]}})
        login.claims = claims
        return login
