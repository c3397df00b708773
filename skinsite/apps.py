"""The site's own choice of applications."""

from importlib import import_module

from django.apps import apps
from django.contrib.admin.apps import SimpleAdminConfig


class SiteAdminConfig(SimpleAdminConfig):
    """Django's admin on the project's own site.

    Only the models of applications that say so (``is_administered``) are registered: Django's discovery would also
    bring the groups, tokens and sign-in logs of libraries, whose pages ask for none of the rules here.
    """

    default_site = "skinsite.admin.SiteAdmin"

    def ready(self) -> None:
        """Register the models of the project's applications."""
        super().ready()
        for config in apps.get_app_configs():
            if getattr(config, "is_administered", False):
                import_module(f"{config.name}.admin")
