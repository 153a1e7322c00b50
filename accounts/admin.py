"""People and their devices in the admin. Its actions are the models' verbs; secrets are not shown."""

from typing import Any

import allauth.usersessions.admin  # noqa: F401 - registers what is replaced below
from allauth.account.views import logout
from allauth.core import context as current
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    UserChangeForm,
)
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Device, DeviceEvent, User


def sign_out(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """As everywhere else: the device's push ends with the session."""
    response: HttpResponse = logout(request)
    return response


def change_password(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """One's own password: on the page that everybody has."""
    return redirect("account_change_password")


admin.site.site_header = admin.site.site_title = _("FastLinkIt administration")
admin.site.logout = sign_out  # type: ignore[method-assign, assignment]
admin.site.password_change = change_password  # type: ignore[method-assign, assignment]


def _own(request: HttpRequest) -> int:
    """The primary key of whoever is at work here."""
    pk = request.user.pk
    assert pk is not None  # noqa: S101 - the admin lets nobody in who is signed out
    return pk


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Nobody adds, changes or deletes here."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class UserCreationForm(AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email", "name")


class UserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"


class PasswordForm(AdminPasswordChangeForm[User]):
    def save(self, commit: bool = True) -> Any:
        """Somebody else chose the password: every session ends, but for the admin's own."""
        request = current.request
        own = request.user.pk == self.user.pk
        with transaction.atomic():
            user = super().save(commit)
            user.sign_out_everywhere(
                but=request.device if own else None,
                but_session=request.session.session_key if own else "",
            )
        return user


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    form = UserForm
    add_form = UserCreationForm
    change_password_form = PasswordForm
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    show_full_result_count = False
    readonly_fields = ("is_active", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Profile"), {"fields": ("name", "time_zone", "language")}),
        (
            _("Rights"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "name", "usable_password", "password1", "password2"),
            },
        ),
    )
    actions = ("deactivate", "reactivate", "sign_out_everywhere")

    @admin.action(description=_("Close the account: no sign-in, no push"), permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        chosen = list(users.filter(is_active=True).exclude(pk=_own(request)))
        for user in chosen:
            user.deactivate()
        said = ngettext(
            "%(count)d account is closed.", "%(count)d accounts are closed.", len(chosen)
        )
        self.message_user(request, said % {"count": len(chosen)}, messages.SUCCESS)
        if users.filter(pk=_own(request)).exists():
            self.message_user(request, _t("Your own account stays open."), messages.WARNING)

    @admin.action(description=_("Open the account again"), permissions=["change"])
    def reactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        chosen = list(users.filter(is_active=False))
        for user in chosen:
            user.reactivate()
        said = ngettext("%(count)d account is open.", "%(count)d accounts are open.", len(chosen))
        self.message_user(request, said % {"count": len(chosen)}, messages.SUCCESS)

    @admin.action(description=_("Sign out on all devices"), permissions=["change"])
    def sign_out_everywhere(self, request: HttpRequest, users: QuerySet[User]) -> None:
        chosen = list(users.exclude(pk=_own(request)))
        for user in chosen:
            user.sign_out_everywhere()
        said = ngettext(
            "%(count)d person is signed out.", "%(count)d people are signed out.", len(chosen)
        )
        self.message_user(request, said % {"count": len(chosen)}, messages.SUCCESS)


class DeviceEventInline(admin.TabularInline):  # type: ignore[type-arg]
    model = DeviceEvent
    fields = readonly_fields = ("at", "what", "detail")
    extra = 0
    max_num = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(request.user.has_perm("accounts.view_device"))


@admin.register(Device)
class DeviceAdmin(LookOnly):
    list_display = ("name", "user", "push_wanted", "created_at", "last_seen_at")
    list_filter = ("push_wanted", "browser", "system")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=public_id", "name")
    ordering = ("-last_seen_at",)
    fields = (
        *("user", "name", "browser", "system", "public_id", "secret"),
        *("push_wanted", "created_at", "last_seen_at"),
    )
    readonly_fields = ("secret",)
    inlines = (DeviceEventInline,)
    actions = ("remove",)

    @admin.display(description=_("secret"))
    def secret(self, device: Device) -> str:
        return "••••••••"

    @admin.action(description=_("Remove: sign out there, end its push"), permissions=["remove"])
    def remove(self, request: HttpRequest, devices: QuerySet[Device]) -> None:
        chosen = list(devices.select_related("user"))
        for device in chosen:
            device.remove()
        said = ngettext("%(count)d device is gone.", "%(count)d devices are gone.", len(chosen))
        self.message_user(request, said % {"count": len(chosen)}, messages.SUCCESS)

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("accounts.delete_device"))


admin.site.unregister(UserSession)


@admin.register(UserSession)
class UserSessionAdmin(LookOnly):
    list_display = ("user", "created_at", "last_seen_at", "ip", "user_agent")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=ip")
    ordering = ("-created_at",)
    exclude = ("data",)
