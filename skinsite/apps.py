"""The site's own choice of applications."""

from importlib import import_module

from django.contrib.admin.apps import SimpleAdminConfig

ADMINISTERED = ("skinsite.accounts", "skinsite.audit", "classifier")


class SiteAdminConfig(SimpleAdminConfig):
    """Django's admin on the project's own site.

    Only the project's models are registered: Django's discovery would also bring the groups, tokens and sign-in logs of
    libraries, whose pages ask for none of the rules here.
    """

    default_site = "skinsite.admin.SiteAdmin"

    def ready(self) -> None:
        """Register the models of the project's applications."""
        super().ready()
        for application in ADMINISTERED:
            import_module(f"{application}.admin")
