"""Clinics, people and memberships, for superusers to manage. No patient data is near."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from skinsite.accounts.models import Clinic, Membership, User
from skinsite.accounts.oversight import ReadOnlyAdmin, is_superuser


class SuperuserAdmin(ReadOnlyAdmin):
    """Superusers add and change; nothing is deleted: what is over is made inactive."""

    views = ("changelist", "change", "add")

    def may_see(self, request: HttpRequest) -> bool:
        """For superusers."""
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As they see."""
        return self.may_see(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As they see."""
        return self.may_see(request)


@admin.register(Clinic)
class ClinicAdmin(SuperuserAdmin):
    """The tenants."""

    list_display = ("name", "slug", "is_active", "is_demo", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    fields = ("name", "slug", "is_active")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(User)
class UserAdmin(SuperuserAdmin):
    """People. A password is set by invitation or reset link, never here."""

    list_display = ("email", "name", "is_active", "is_superuser", "date_joined")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = ("email", "name", "is_active")

    def save_model(self, request: HttpRequest, obj: User, form: "ModelForm[User]", change: Any) -> None:
        """A new person has no password yet."""
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


@admin.register(Membership)
class MembershipAdmin(SuperuserAdmin):
    """Who works where, as what."""

    list_display = ("user", "clinic", "role", "is_active", "created_at")
    list_filter = ("role", "is_active")
    list_select_related = ("user", "clinic")
    search_fields = ("user__email", "user__name", "clinic__name")
    search_help_text = _("Person or clinic")
    ordering = ("clinic__name", "user__email")
    fields = ("user", "clinic", "role", "is_active")
    autocomplete_fields = ("user", "clinic")
