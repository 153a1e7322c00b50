"""Campaigns and donations in the admin: looked at, and marked as paid by the model's own verb."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.read_only_admin import ReadOnlyAdmin
from fundraising.models import Campaign, Donation, Overpayment


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("title", "organization", "made_by", "code", "state", "currency", "created_at")
    list_filter = ("state",)
    list_select_related = ("organization", "made_by")
    search_fields = ("code", "title", "organization__name")


@admin.register(Donation)
class DonationAdmin(ReadOnlyAdmin):
    list_display = (
        "public_id",
        "campaign",
        "amount_text",
        "status",
        "source",
        "livemode",
        "name",
        "created_at",
        "paid_at",
    )
    list_filter = ("status", "source", "livemode", "is_late")
    list_select_related = ("campaign",)
    search_fields = ("public_id", "name", "email", "campaign__code")
    exclude = ("origin",)
    actions = ("mark_paid_by_bank", "mark_paid_in_cash", "mark_paid_otherwise")

    @admin.display(description=_("amount"), ordering="amount")
    def amount_text(self, donation: Donation) -> str:
        return donation.amount_text()

    def has_mark_paid_permission(self, request: HttpRequest) -> bool:
        """Donations are never edited here, so whoever might edit them may mark them."""
        return request.user.has_perm("fundraising.change_donation")

    @admin.action(description=_("Mark as paid: bank transfer"), permissions=["mark_paid"])
    def mark_paid_by_bank(self, request: HttpRequest, rows: QuerySet[Donation]) -> None:
        self._mark_paid(request, rows, Donation.Source.BANK)

    @admin.action(description=_("Mark as paid: cash"), permissions=["mark_paid"])
    def mark_paid_in_cash(self, request: HttpRequest, rows: QuerySet[Donation]) -> None:
        self._mark_paid(request, rows, Donation.Source.CASH)

    @admin.action(description=_("Mark as paid: another way"), permissions=["mark_paid"])
    def mark_paid_otherwise(self, request: HttpRequest, rows: QuerySet[Donation]) -> None:
        self._mark_paid(request, rows, Donation.Source.OTHER)

    def _mark_paid(
        self, request: HttpRequest, rows: QuerySet[Donation], source: Donation.Source
    ) -> None:
        user, device = request.user, getattr(request, "device", None)
        assert isinstance(user, User)  # noqa: S101 - the admin lets nobody in who is signed out
        still_open = rows.filter(status__in=Donation.OPEN).select_related("campaign__organization")
        number = sum(donation.mark_paid_by_hand(source, user, device) for donation in still_open)
        text = ngettext(
            "%(number)d donation is marked as paid.",
            "%(number)d donations are marked as paid.",
            number,
        )
        messages.info(request, text % {"number": number})


@admin.register(Overpayment)
class OverpaymentAdmin(ReadOnlyAdmin):
    list_display = ("donation", "source", "transaction", "marked_by", "received_at")
    list_filter = ("source",)
    list_select_related = ("donation", "transaction", "marked_by")
    search_fields = ("donation__public_id", "key")
