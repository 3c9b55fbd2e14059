"""The logins, which only a superuser manages."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from financetracker.users.models import User
from financetracker.users.plainadmin import PlainAdmin


class LoginCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A new login: address, name and a first password."""

    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        """Addresses are kept in lower case."""
        return str(self.cleaned_data["email"]).lower()


class LoginChangeForm(UserChangeForm):  # type: ignore[type-arg]
    """A login as it is; the password is changed on a page of its own."""

    class Meta:
        model = User
        fields = ("email", "name", "is_active", "is_superuser", "password")

    def clean_email(self) -> str:
        """Addresses are kept in lower case."""
        return str(self.cleaned_data["email"]).lower()


@admin.register(User)
class UserAdmin(PlainAdmin, StockUserAdmin):  # type: ignore[type-arg]
    """Logins, for superusers alone. A login is deactivated, never deleted: history names it."""

    form = LoginChangeForm
    add_form = LoginCreationForm
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("Access"), {"fields": ("is_active", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")
    list_display = ("email", "name", "is_active", "is_superuser")
    list_filter = ()
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if self.has_module_permission(request) else rows.none()
