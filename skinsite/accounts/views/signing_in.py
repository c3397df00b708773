"""Signing in, and passwords. Django's own views, with the services as writers."""

from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpResponse
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _

from skinsite.accounts.forms import NewPasswordForm, OwnPasswordForm, SignInForm
from skinsite.accounts.models import User
from skinsite.accounts.selectors import memberships_of


class SignInView(views.LoginView):
    """Sign in by e-mail address. Too many wrong passwords are answered by `skinsite.accounts.lockout`."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        """The start page; whoever runs the site and belongs to no clinic, which has none, gets to the admin."""
        user = self.request.user
        if isinstance(user, User) and user.is_superuser and not memberships_of(user).exists():
            return reverse("admin:index")
        return super().get_default_redirect_url()


class SignOutView(views.LogoutView):
    """Sign out, by POST alone."""


class OwnPasswordView(views.PasswordChangeView):
    """Change one's own password; other sessions of the person end."""

    template_name = "accounts/password_change.html"
    form_class = OwnPasswordForm
    success_url = reverse_lazy("account")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Say that it is done."""
        messages.success(self.request, _("Your password is changed. Everywhere else you are signed out."))
        return super().form_valid(form)


class NewPasswordView(views.PasswordResetConfirmView):
    """Set a password by a link from an administrator. The link's secret moves from the address into the session."""

    template_name = "accounts/set_password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("login")

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        """Say that it is done."""
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return super().form_valid(form)
