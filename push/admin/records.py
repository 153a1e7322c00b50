"""Who is subscribed, what was said, and what became of it; no secret is shown."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.read_only_admin import ReadOnlyAdmin
from push.admin.filters import KeyFilter, KindFilter, ServiceFilter
from push.delivery.answers import REASONS
from push.models import Delivery, Notification, Preference, ServiceState, Subscription


@admin.display(description=_("reason"))
def reason_in_words(row: Delivery | ServiceState) -> str:
    reason = REASONS.get(row.reason)
    return str(reason.title) if reason else row.reason


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        *("created_at", "state", reason_in_words, "kind", "user", "device_name", "service"),
        *("status", "attempts", "accepted_ms", "shown_at"),
    )
    list_filter = ("state", ServiceFilter, KindFilter)
    list_select_related = ("user",)
    search_fields = ("=device_public_id", "=user__email", "=notification__public_id")
    exclude = ("location", "apns_id", "subscription")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        *("endpoint_masked", "user", "state", "device", "service", "created_at"),
        *("last_accepted_at", "last_shown_at", "last_error_reason"),
    )
    list_filter = ("state", ServiceFilter, KeyFilter)
    list_select_related = ("user", "device")
    search_fields = ("=user__email", "endpoint_hash__startswith")
    exclude = ("endpoint", "endpoint_hash", "p256dh", "auth")
    readonly_fields = ("endpoint_masked",)

    @admin.display(description=_("endpoint"))
    def endpoint_masked(self, row: Subscription) -> str:
        return f"{row.endpoint_hash[:8]}…"


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "kind", "level", "user", "in_bell", "read_at", "public_id")
    list_filter = (KindFilter, "level", "in_bell")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=public_id")
    exclude = ("title", "body")  # what is said to a person is theirs


@admin.register(Preference)
class PreferenceAdmin(ReadOnlyAdmin):
    list_display = ("user", "push_enabled")
    list_filter = ("push_enabled",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
