"""Model versions for superusers: which bundles this site knows, and which one reads."""

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _

from classifier.models import ModelStatus, ModelVersion
from classifier.presentation.wording import doubt_text
from classifier.selectors.records import model_versions
from classifier.services.registry import DoubtfulModelError, activate_model
from ml.errors import UserError
from skinsite.accounts.models import User
from skinsite.accounts.oversight import PublicChangeList, ReadOnlyAdmin, is_superuser


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Registered bundles; new ones come by `manage.py register_model`."""

    list_display = ("name", "version", "status", "short_hash", "registered_at", "activated_at")
    list_filter = ("status",)
    search_fields = ("name", "version", "bundle_sha256")
    ordering = ("-registered_at",)

    def may_see(self, request: HttpRequest) -> bool:
        """For superusers."""
        return is_superuser(request)

    @admin.display(description=_("bundle hash"))
    def short_hash(self, model_version: ModelVersion) -> str:
        """The first of its characters: enough to tell two apart."""
        return model_version.bundle_sha256[:12]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Rows lead to the UUID."""
        return PublicChangeList

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The manifest, and the button that lets this version read from now on."""
        if not is_superuser(request) or not isinstance(request.user, User):
            raise PermissionDenied
        try:
            model_version = get_object_or_404(model_versions(), public_id=object_id)
        except ValidationError as error:  # not a UUID
            raise Http404 from error
        if request.method == "POST":
            self._activate(request, model_version, request.user)
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": model_version,
            "title": str(model_version),
            "model_version": model_version,
            "is_active_one": model_version.status == ModelStatus.ACTIVE,
            "manifest": json.dumps(model_version.manifest, indent=2, ensure_ascii=False),
            **(extra_context or {}),
        }
        return render(request, "admin/classifier/modelversion/change_form.html", context)

    def _activate(self, request: HttpRequest, model_version: ModelVersion, superuser: User) -> None:
        try:
            activate_model(model_version=model_version, actor=superuser)
        except DoubtfulModelError as error:
            text = _(
                "%(model)s was not put into service: %(doubts)s. If it is to read all the same, whoever runs the site "
                "registers it with --activate --force-because."
            )
            doubts = "; ".join(map(doubt_text, error.doubts))
            messages.error(request, text % {"model": model_version, "doubts": doubts})
        except UserError as error:
            text = _("%(model)s was not put into service: its files cannot be used. Register it again. (%(detail)s)")
            messages.error(request, text % {"model": model_version, "detail": error})
        else:
            messages.success(request, _("%(model)s is now in service.") % {"model": model_version})
