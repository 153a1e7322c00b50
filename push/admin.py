"""Push in the admin: to look at, not to change. What is written has a life of its own."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from push.delivery import breaker
from push.delivery.answers import REASONS
from push.models import Delivery, Notification, Preference, ServiceState, Subscription

COUNTED = 10_000
"""Rows: a list counts no further, for a count walks the whole table."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Knows of at most ``COUNTED`` rows; who looks for older ones filters or searches."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by().values("pk")[:COUNTED].count()


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Nobody adds, changes or deletes here."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.display(description=_("reason"))
def reason_in_words(row: Delivery | ServiceState) -> str:
    reason = REASONS.get(row.reason)
    return str(reason.title) if reason else row.reason


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        *("created_at", "kind", "user", "device_name", "service", "state", "status"),
        *(reason_in_words, "attempts", "accepted_ms", "shown_at"),
    )
    list_filter = ("state", "service", "kind")
    list_select_related = ("user",)
    search_fields = ("=device_public_id", "=user__email", "=notification__public_id")
    ordering = ("-created_at",)
    exclude = ("location", "apns_id", "subscription")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        *("endpoint_masked", "user", "device", "service", "state", "created_at"),
        *("last_accepted_at", "last_shown_at", "last_error_reason"),
    )
    list_filter = ("state", "service", "key_id")
    list_select_related = ("user", "device")
    search_fields = ("=user__email", "endpoint_hash__startswith")
    ordering = ("-created_at",)
    exclude = ("endpoint", "endpoint_hash", "p256dh", "auth")
    readonly_fields = ("endpoint_masked",)

    @admin.display(description=_("endpoint"))
    def endpoint_masked(self, row: Subscription) -> str:
        return f"{row.endpoint_hash[:8]}…"


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "level", "user", "in_bell", "read_at", "public_id")
    list_filter = ("kind", "level", "in_bell")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=public_id")
    ordering = ("-created_at",)
    exclude = ("title", "body")  # what is said to a person is theirs


@admin.register(ServiceState)
class ServiceStateAdmin(ReadOnlyAdmin):
    list_display = ("service", "open_until", "opened_at", reason_in_words, "detail", "failures")
    actions = ("resume",)

    @admin.action(description=_("Send again now"), permissions=["resume"])
    def resume(self, request: HttpRequest, services: QuerySet[ServiceState]) -> None:
        resumed = sum(breaker.resume(state.service) for state in services)
        said = ngettext(
            "%(count)d push service is sent to again.",
            "%(count)d push services are sent to again.",
            resumed,
        )
        words = said % {"count": resumed} if resumed else _t("None of them was paused.")
        self.message_user(request, words, messages.SUCCESS if resumed else messages.INFO)

    def has_resume_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("push.change_servicestate")


@admin.register(Preference)
class PreferenceAdmin(ReadOnlyAdmin):
    list_display = ("user", "push_enabled")
    list_filter = ("push_enabled",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
