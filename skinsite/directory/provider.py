"""allauth's provider of OpenID Connect, for the directories of the settings."""

from typing import Any

from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider

from skinsite.directory.configuration import find_directory
from skinsite.directory.id_token import DirectoryAdapter
from skinsite.settings.directories import Directory


class DirectoryProvider(OpenIDConnectProvider):  # type: ignore[misc] # allauth ships no types
    """A directory; always with PKCE, and nothing that it says is kept."""

    oauth2_adapter_class = DirectoryAdapter
    pkce_enabled_default = True
    supports_token_authentication = False

    @property
    def directory(self) -> Directory:
        """The settings' entry. The settings do not change while a process runs."""
        directory = find_directory(self.app.provider_id)
        if directory is None:
            raise LookupError(self.app.provider_id)
        return directory

    def get_default_scope(self) -> list[str]:
        """What the directory is asked for."""
        return list(self.directory.scopes)

    def extract_extra_data(self, data: Any) -> dict[str, Any]:  # noqa: ARG002 allauth's signature
        """Nothing: claims are read at each sign-in, and not kept."""
        return {}


# Where allauth looks for providers.
provider_classes = [DirectoryProvider]
