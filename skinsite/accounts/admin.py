"""Clinics, people and memberships, for superusers to manage. No patient data is near."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from skinsite.accounts import audit
from skinsite.accounts.mail import mail_password_link
from skinsite.accounts.models import Clinic, Membership, User, plain_address
from skinsite.accounts.names import clean_person_name
from skinsite.accounts.oversight import ReadOnlyAdmin, is_superuser
from skinsite.accounts.policies import require_may_be_member
from skinsite.accounts.selectors import clinics_of, members_of
from skinsite.accounts.services.clinics import require_free_name
from skinsite.accounts.services.members import change_role, deactivate_member, reactivate_member
from skinsite.accounts.services.passwords import reset_password_of_anybody
from skinsite.audit.models import AuditEvent
from skinsite.text import clean_line, fold_line, limit_search


class SuperuserAdmin(ReadOnlyAdmin):
    """Superusers add and change, and the audit trail tells it; nothing is deleted: what is over is made inactive."""

    views = ("changelist", "change", "add")
    created: Callable[..., AuditEvent]
    updated: Callable[..., AuditEvent]

    def may_see(self, request: HttpRequest) -> bool:
        """For superusers."""
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As they see."""
        return self.may_see(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As they see."""
        return self.may_see(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save, and record who did."""
        self.write(obj, change=bool(change))
        record = self.updated if change else self.created
        record(actor=request.user if isinstance(request.user, User) else None, about=obj, fields=form.changed_data)

    def write(self, obj: Any, *, change: bool) -> None:
        """Write the row."""
        obj.save()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Every word of the search in one of the fields, whatever its case and encoding; the rows are few."""
        words = fold_line(limit_search(search_term)).split()
        rows = queryset.values_list("pk", *self.get_search_fields(request)) if words else ()
        found = [pk for pk, *texts in rows if all(any(word in fold_line(text) for text in texts) for word in words)]
        return (queryset.filter(pk__in=found) if words else queryset), False

    def log_addition(self, *arguments: Any) -> None:
        """Nothing: there is one audit trail, and it has been told."""

    def log_change(self, *arguments: Any) -> None:
        """Nothing, as above."""


class ClinicForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in the stubs
    """A clinic."""

    def clean(self) -> dict[str, Any]:
        """No two clinics have one name."""
        data = super().clean() or self.cleaned_data
        if "name" in data:
            data["name"] = clean_line(data["name"])
            require_free_name(data["name"], clinic=self.instance)
        return data


@admin.register(Clinic)
class ClinicAdmin(SuperuserAdmin):
    """The tenants."""

    created = staticmethod(audit.clinic_created)
    updated = staticmethod(audit.clinic_updated)
    form = ClinicForm
    list_display = ("name", "slug", "is_active", "is_demo", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    fields = ("name", "slug", "time_zone", "storage_gigabytes", "passwords_allowed", "is_active")
    prepopulated_fields = {"slug": ("name",)}


class UserForm(forms.ModelForm):  # type: ignore[type-arg] # generic only in the stubs
    """A person."""

    def clean_email(self) -> str:
        """Addresses are kept in one spelling."""
        return plain_address(self.cleaned_data["email"])

    def clean_name(self) -> str:
        """As people set it themselves, and none where they have not yet."""
        name = str(self.cleaned_data["name"])
        person = self.instance if self.instance.pk else None
        if not name.strip() or (person is not None and name == person.name):
            return name.strip()
        try:
            return clean_person_name(name, clinics=clinics_of(person) if person else [], person=person)
        except forms.ValidationError as error:
            raise forms.ValidationError(error.message_dict["name"]) from None


@admin.register(User)
class UserAdmin(SuperuserAdmin):
    """People. A password is set by invitation or reset link, never here."""

    created = staticmethod(audit.user_created)
    updated = staticmethod(audit.user_updated)
    form = UserForm
    list_display = ("email", "name", "is_active", "is_superuser", "date_joined")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = ("email", "name", "time_zone", "is_active")
    actions = ("send_password_link",)

    @admin.action(description=_("Take the password away and mail a link for a new one"))
    def send_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Reset the passwords of those who were ticked; each link goes to its person, and is shown to nobody."""
        by = cast("User", request.user)
        for person in queryset.order_by("email"):
            try:
                uid, token = reset_password_of_anybody(actor=by, user=person)
            except ValidationError as error:
                self.message_user(request, f"{person.email}: {error.messages[0]}", messages.ERROR)
                continue
            link = request.build_absolute_uri(reverse("account_reset_password_from_key", args=[uid, token]))
            if mail_password_link(user=person, by=by, link=link, clinic=None):
                self.message_user(request, gettext("A link was mailed to %(email)s.") % {"email": person.email})
            else:
                text = gettext("The link to %(email)s could not be mailed; the password is gone. Try again later.")
                self.message_user(request, text % {"email": person.email}, messages.ERROR)

    def write(self, obj: User, *, change: bool) -> None:
        """Give a new person no password yet."""
        if not change:
            obj.set_unusable_password()
        obj.save()


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg] # as above
    """A person's place in a clinic."""

    actor: User

    def clean(self) -> dict[str, Any]:
        """Change an existing one by the services: what they refuse is an error of the form, and nothing is changed."""
        data = super().clean() or self.cleaned_data
        if "user" in data:
            require_may_be_member(data["user"])
        if self.instance.pk and not self.errors:
            now = members_of(self.instance.clinic).get(pk=self.instance.pk)
            set_active = reactivate_member if data["is_active"] else deactivate_member
            with transaction.atomic():
                change_role(actor=self.actor, membership=now, role=data["role"])
                set_active(actor=self.actor, membership=now)
        return data


@admin.register(Membership)
class MembershipAdmin(SuperuserAdmin):
    """Who works where, as what."""

    created = staticmethod(audit.membership_created)
    form = MembershipForm
    list_display = ("user", "clinic", "role", "is_active", "created_at")
    list_filter = ("role", "is_active")
    list_select_related = ("user", "clinic")
    search_fields = ("user__email", "user__name", "clinic__name")
    ordering = ("clinic__name", "user__email")
    fields = ("user", "clinic", "role", "is_active")
    autocomplete_fields = ("user", "clinic")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        """Whose it is and where is said once."""
        return () if obj is None else ("user", "clinic")

    def get_form(
        self,
        request: HttpRequest,
        obj: Membership | None = None,
        change: bool = False,  # noqa: FBT001 Django's signature
        **options: Any,
    ) -> type[MembershipForm]:
        """The form, made for this request, told who fills it in."""
        form: type[MembershipForm] = super().get_form(request, obj, change, **options)
        form.actor = cast("User", request.user)  # nobody else than a superuser sees this page
        return form

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: Any) -> None:
        """Save a new one; an existing one has been changed by the services, which told the audit trail."""
        if not change:
            super().save_model(request, obj, form, change)
