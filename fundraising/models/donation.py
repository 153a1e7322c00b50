"""A donation: begun on the public page, paid by Stripe or marked as paid by hand, once."""

import secrets
import uuid
from typing import Any, ClassVar, NotRequired, TypedDict, Unpack

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Device, User
from fundraising import signals
from fundraising.models.campaign import Campaign
from payments import currencies, gateway
from payments.models import Transaction

MAX_NAME = 80  # characters
MAX_MESSAGE = 500


def new_public_id() -> str:
    return "don_" + secrets.token_hex(12)


class Gift(TypedDict):
    """What a donor filled in. ``amount`` in the minor unit of the campaign's currency."""

    amount: int
    source: str
    name: NotRequired[str]
    email: NotRequired[str]
    message: NotRequired[str]
    anonymous: NotRequired[bool]
    origin: NotRequired[str]


class DonationQuerySet(models.QuerySet["Donation"]):
    def before(self, row: "Donation | None") -> "DonationQuerySet":
        """Newest first, from the one after ``row`` on. Its second condition is the one an index can use."""
        if row is None:
            return self.order_by("-created_at", "-pk")
        older = Q(created_at__lt=row.created_at) | Q(pk__lt=row.pk)
        return self.filter(older, created_at__lte=row.created_at).order_by("-created_at", "-pk")

    def from_(self, row: "Donation") -> "DonationQuerySet":
        """Newest first, beginning with ``row`` itself."""
        older = Q(created_at__lt=row.created_at) | Q(pk__lte=row.pk)
        return self.filter(older, created_at__lte=row.created_at).order_by("-created_at", "-pk")

    def shown(self) -> "DonationQuerySet":
        """For everybody: real money that has come, the last first."""
        return self.filter(status=Donation.Status.PAID, livemode=True).order_by("-paid_at", "-pk")


class Donation(models.Model):
    """``name`` and ``email`` are for the owner; what others may read is ``public_name()``."""

    class Status(models.TextChoices):
        PENDING = "pending", gettext_lazy("Pending")
        PAID = "paid", gettext_lazy("Paid")
        EXPIRED = "expired", gettext_lazy("Not completed")

    class Source(models.TextChoices):
        STRIPE = "stripe", gettext_lazy("Card, by Stripe")
        BANK = "bank", gettext_lazy("Bank transfer")
        CASH = "cash", gettext_lazy("Cash")
        OTHER = "other", gettext_lazy("Another way")

    # Not paid as far as we know; Stripe, or a person, may still say otherwise.
    OPEN = (Status.PENDING, Status.EXPIRED)
    BY_HAND = (Source.BANK, Source.CASH, Source.OTHER)

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="donations")
    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    client_id = models.UUIDField(default=uuid.uuid4, editable=False)
    amount = models.BigIntegerField(gettext_lazy("amount"))
    currency = models.CharField(gettext_lazy("currency"), max_length=3)
    name = models.CharField(gettext_lazy("name"), max_length=MAX_NAME, blank=True)
    email = models.CharField(gettext_lazy("e-mail"), max_length=254, blank=True)
    message = models.TextField(gettext_lazy("message"), max_length=MAX_MESSAGE, blank=True)
    anonymous = models.BooleanField(gettext_lazy("anonymous"), default=False)
    status = models.CharField(
        gettext_lazy("status"), max_length=20, choices=Status, default=Status.PENDING
    )
    source = models.CharField(gettext_lazy("how"), max_length=16, choices=Source)
    livemode = models.BooleanField(gettext_lazy("live mode"))
    key = models.CharField(max_length=80, unique=True, null=True, editable=False)  # noqa: DJ001 - unique
    paid_at = models.DateTimeField(gettext_lazy("paid"), null=True, editable=False)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="marked_donations"
    )
    note = models.CharField(gettext_lazy("note"), max_length=300, blank=True)
    is_late = models.BooleanField(gettext_lazy("after the end"), default=False)
    transaction = models.ForeignKey(
        Transaction, models.PROTECT, null=True, related_name="donations"
    )
    origin = models.CharField(max_length=32, blank=True, editable=False)
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now, editable=False)

    objects: ClassVar = DonationQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("donation")
        verbose_name_plural = gettext_lazy("donations")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="donation_is_positive"),
            models.UniqueConstraint(
                fields=["campaign", "client_id"], name="one_donation_per_form_and_campaign"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["campaign", "-created_at"], name="donations_by_time"),
            models.Index(
                fields=["campaign", "livemode", "-paid_at", "amount"],
                name="donations_paid",
                condition=Q(status="paid"),
            ),
            models.Index(fields=["origin", "-created_at"], name="donations_by_origin"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        """The campaign's page for its owner, at this donation."""
        page = self.campaign.get_absolute_url()
        return f"{page}?donation={self.public_id}#{self.public_id}"

    def thanks_path(self) -> str:
        return reverse("fundraising:thanks", args=[self.campaign.code, self.public_id])

    @classmethod
    def begin(cls, campaign: Campaign, client_id: uuid.UUID, **gift: Unpack[Gift]) -> "Donation":
        """A pending donation. ``client_id`` is made with the form: the same one again is the same donation.

        With another amount or another way of paying it is another donation: the Back button brings old
        forms back. A promise is real money; what comes through Stripe is as real as Stripe's key.
        """
        is_real = gift["source"] != cls.Source.STRIPE or gateway.is_live()
        donation: Donation
        donation, is_new = cls.objects.get_or_create(
            campaign=campaign,
            client_id=client_id,
            defaults={"currency": campaign.currency, "livemode": is_real, **gift},
        )
        if is_new or donation.status != cls.Status.PENDING:
            return donation
        if (donation.amount, donation.source) != (gift["amount"], gift["source"]):
            return cls.begin(campaign, uuid.uuid4(), **gift)
        # What was corrected since; not if it has been paid in between.
        cls.objects.filter(pk=donation.pk, status=cls.Status.PENDING).update(**gift)
        donation.refresh_from_db()
        return donation

    def checkout(self) -> Transaction:
        """An open Checkout session for this donation, the same one when it is asked for again.

        The transaction and its place on this row commit together, before Stripe is asked.

        Raises:
            ValidationError: Stripe does not take this amount.
            payments.gateway.GatewayError: Stripe cannot be asked, or refuses.
        """
        campaign = self.campaign
        with transaction.atomic():
            row = Transaction.prepare(
                organization=campaign.organization,
                made_by=campaign.made_by,
                source=Transaction.Source.CAMPAIGN,
                amount=self.amount,
                currency=self.currency,
                description=_("Donation: %(title)s") % {"title": campaign.title},
                customer_email=self.email,
                metadata={"campaign": campaign.code, "donation": self.public_id},
                reference=self.public_id,
                success_url=f"{settings.SITE_URL}{self.thanks_path()}",
                cancel_url=campaign.public_url(),
            )
            Donation.objects.filter(pk=self.pk).update(transaction=row)
        self.transaction = row
        row.open()
        return row

    def mark_paid(
        self,
        source: str,
        actor: User | None,
        key: str,
        device: Device | None = None,
        note: str = "",
        paid_transaction: Transaction | None = None,
    ) -> bool:
        """True the first time. The only way in, for Stripe and for people; late and past the goal as well.

        ``key`` names the payment: the same one again changes nothing. Another one on a donation that is
        paid already is money that came twice, and is kept as an ``Overpayment``.
        """
        is_real = paid_transaction is None or paid_transaction.livemode
        fields: dict[str, Any] = {"source": source, "key": key, "marked_by": actor, "note": note}
        with transaction.atomic():
            first = bool(
                Donation.objects.filter(pk=self.pk, status__in=self.OPEN).update(
                    status=self.Status.PAID,
                    paid_at=timezone.now(),
                    livemode=is_real,
                    is_late=self.campaign.has_ended(),
                    **fields,
                )
            )
            self.refresh_from_db()
            if first:
                signals.donation_paid.send_robust(
                    sender=Donation, subject=self, actor=actor, device=device
                )
                self._end_checkout(paid_transaction)
            elif self.key != key:
                self.overpayments.get_or_create(
                    key=key, defaults=fields | {"transaction": paid_transaction}
                )
        return first

    def mark_paid_by_hand(
        self, source: str, actor: User, device: Device | None = None, note: str = ""
    ) -> bool:
        """Two tabs and two people mark the same money, so there is one key for all of them."""
        return self.mark_paid(source, actor, f"hand:{self.public_id}", device, note)

    def mark_paid_by(self, row: Transaction) -> bool:
        """``row`` has been paid."""
        return self.mark_paid(
            self.Source.STRIPE, None, f"stripe:{row.public_id}", paid_transaction=row
        )

    def mark_expired(self) -> bool:
        """Its checkout ended unpaid. What is paid stays paid."""
        rows = Donation.objects.filter(pk=self.pk, status=self.Status.PENDING)
        return bool(rows.update(status=self.Status.EXPIRED))

    def receivers(self) -> list[User]:
        """Who should hear that it is paid."""
        return self.campaign.answerable()

    def is_open(self) -> bool:
        return self.status in self.OPEN

    def amount_text(self) -> str:
        return currencies.format_amount(self.amount, self.currency)

    def public_name(self) -> str:
        """For everybody but the owner; empty when the donor gave no name, or anonymously."""
        return "" if self.anonymous else self.name

    def _end_checkout(self, paid: Transaction | None) -> None:
        """Nobody should pay once more what is paid already. In a task: Stripe has to be asked."""
        if self.transaction_id is None or (paid is not None and paid.pk == self.transaction_id):
            return
        from fundraising.tasks import end_checkout

        end_checkout.enqueue(self.transaction_id)
