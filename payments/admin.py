"""Payments in the admin: money rows are looked at, never edited; events can be run again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.read_only_admin import ReadOnlyAdmin
from payments.models import RedirectHost, StripeEvent, Transaction
from payments.tasks import process_stripe_event


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    """``checkout_url`` is left out: whoever has it may pay."""

    list_display = (
        "public_id",
        "organization",
        "amount_text",
        "status",
        "livemode",
        "source",
        "description",
        "created_at",
        "paid_at",
    )
    list_filter = ("status", "livemode", "source")
    list_select_related = ("organization",)
    search_fields = ("public_id", "checkout_session_id", "customer_email", "reference")
    exclude = ("checkout_url",)

    @admin.display(description=_("amount"), ordering="amount")
    def amount_text(self, row: Transaction) -> str:
        return row.amount_text()


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "type", "status", "attempts", "error", "verified_at")
    list_filter = ("status", "type")
    search_fields = ("event_id", "error")
    fields = (
        "event_id",
        "type",
        "status",
        "attempts",
        "error",
        "verified_at",
        "processed_at",
        "text",
    )
    readonly_fields = ("text",)
    actions = ("run_again",)

    @admin.display(description=_("body"))
    def text(self, event: StripeEvent) -> str:
        return bytes(event.body).decode(errors="replace")

    @admin.action(description=_("Run again"), permissions=["view"])
    def run_again(self, request: HttpRequest, events: QuerySet[StripeEvent]) -> None:
        number = sum(bool(process_stripe_event.enqueue(event.pk)) for event in events.only("pk"))
        text = ngettext(
            "%(number)d event will run again.", "%(number)d events will run again.", number
        )
        messages.info(request, text % {"number": number})


@admin.register(RedirectHost)
class RedirectHostAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("host", "organization")
    list_select_related = ("organization",)
    search_fields = ("host", "organization__name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization",) if obj else ()
