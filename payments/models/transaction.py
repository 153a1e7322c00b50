"""A payment: one row per checkout, whose status moves forward only."""

import secrets
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization, User
from payments import currencies, gateway, signals
from payments.models.order import Order

if TYPE_CHECKING:
    from django.dispatch import Signal


def new_public_id() -> str:
    return "tr_" + secrets.token_hex(12)


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def for_user(self, user: User) -> "TransactionQuerySet":
        """What this person's organizations have taken."""
        return self.filter(organization__in=Organization.objects.for_user(user))

    def called(self, public_id: str) -> "TransactionQuerySet":
        """By an id that somebody typed. PostgreSQL raises for a NUL."""
        return self.filter(public_id=public_id.replace("\0", ""))

    def before(self, row: "Transaction | None") -> "TransactionQuerySet":
        """Newest first, from the one after ``row`` on. Its second condition is the one an index can use."""
        if row is None:
            return self.order_by("-created_at", "-pk")
        older = models.Q(created_at__lt=row.created_at) | models.Q(pk__lt=row.pk)
        return self.filter(older, created_at__lte=row.created_at).order_by("-created_at", "-pk")


class Transaction(models.Model):
    """Belongs to an organization; ``made_by`` is the merchant while they have a say there."""

    class Source(models.TextChoices):
        API = "api", gettext_lazy("API")
        CAMPAIGN = "campaign", gettext_lazy("Campaign")

    class Status(models.TextChoices):
        PENDING = "pending", gettext_lazy("Pending")
        PAID = "paid", gettext_lazy("Paid")
        FAILED = "failed", gettext_lazy("Failed")
        EXPIRED = "expired", gettext_lazy("Expired")
        NEEDS_REVIEW = "needs_review", gettext_lazy("Needs review")

    # Not paid as far as we know; Stripe may still say otherwise.
    OPEN = (Status.PENDING, Status.FAILED, Status.EXPIRED)

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="transactions")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="transactions"
    )
    public_id = models.CharField(max_length=32, unique=True, default=new_public_id, editable=False)
    source = models.CharField(gettext_lazy("source"), max_length=16, choices=Source)
    source_name = models.CharField(max_length=80, blank=True)
    amount = models.BigIntegerField(gettext_lazy("amount"))
    currency = models.CharField(gettext_lazy("currency"), max_length=3)
    status = models.CharField(
        gettext_lazy("status"), max_length=20, choices=Status, default=Status.PENDING
    )
    livemode = models.BooleanField(gettext_lazy("live mode"))
    checkout_session_id = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001 - unique
    checkout_url = models.CharField(max_length=2000, blank=True)
    success_url = models.CharField(max_length=2000, blank=True)
    cancel_url = models.CharField(max_length=2000, blank=True)
    customer_email = models.CharField(gettext_lazy("customer"), max_length=254, blank=True)
    reference = models.CharField(gettext_lazy("reference"), max_length=200, blank=True)
    description = models.CharField(gettext_lazy("description"), max_length=250)
    line_items = models.JSONField(default=list)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(gettext_lazy("created"), default=timezone.now, editable=False)
    paid_at = models.DateTimeField(gettext_lazy("paid"), null=True, editable=False)
    review_reason = models.TextField(gettext_lazy("to review"), blank=True)

    objects: ClassVar = TransactionQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("transaction")
        verbose_name_plural = gettext_lazy("transactions")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="amount_is_positive"),
            models.UniqueConstraint(
                fields=["organization", "reference"],
                condition=models.Q(source="campaign", status="pending"),
                name="one_open_checkout_per_donation",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-created_at"], name="transactions_by_time")
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return reverse("payments:transaction", args=[self.public_id])

    @classmethod
    def checkout(cls, **order: Unpack[Order]) -> "Transaction":
        """A row with an open Checkout session at Stripe: send the buyer to its ``checkout_url``.

        The row is committed before Stripe is asked, and names the session: whatever breaks in between,
        asking again ends in the same session. A campaign's ``reference`` has one open checkout at most, which
        is returned again.

        Raises:
            ValidationError: amount or currency is none that Stripe takes.
            payments.gateway.GatewayError: Stripe cannot be asked, or refuses.
        """
        row = cls.prepare(**order)
        row.open()
        return row

    @classmethod
    def prepare(cls, **order: Unpack[Order]) -> "Transaction":
        """The row alone, without a session yet. Raises ``ValidationError``."""
        amount, currency = order["amount"], order["currency"]
        if currency not in currencies.CURRENCIES:
            raise ValidationError({"currency": _("Stripe does not know this currency.")})
        if problem := currencies.amount_problem(amount, currency):
            raise ValidationError({"amount": problem})
        row = cls(livemode=gateway.is_live(), **order)
        if not row.line_items:
            row.line_items = [{"name": row.description, "amount": amount, "quantity": 1}]
        if not row.success_url:
            row.success_url = settings.SITE_URL + reverse("payments:thanks", args=[row.public_id])
        return row._save_or_find()

    def _save_or_find(self) -> "Transaction":
        if self.source != self.Source.CAMPAIGN:
            self.save(force_insert=True)
            return self
        fields = {
            field.attname: getattr(self, field.attname)
            for field in self._meta.concrete_fields
            if not field.primary_key
        }
        same = {
            name: fields.pop(name) for name in ("organization_id", "reference", "source", "status")
        }
        row: Transaction
        row, _made = Transaction.objects.get_or_create(**same, defaults=fields)
        if (row.amount, row.currency) != (self.amount, self.currency):
            raise ValidationError(
                {"reference": _("A checkout over another amount is open for it.")}
            )
        return row

    def open(self) -> None:
        """Asks Stripe for the row's session, unless it has one. What Stripe refuses for good has failed.

        Raises:
            payments.gateway.GatewayError
        """
        if self.checkout_session_id:
            return
        try:
            self._adopt(gateway.create_session(self))
        except gateway.GatewayError as error:
            if error.refused:
                self.mark_failed()
            raise

    def expire(self) -> bool:
        """Ends the checkout at Stripe; True when it is expired now. A buyer who was quicker has paid.

        Raises:
            payments.gateway.GatewayError
        """
        if self.status == self.Status.PENDING:
            self.open()  # after a crash in between only Stripe knows the session
            self.settle(gateway.expire_session(str(self.checkout_session_id)))
        return self.status == self.Status.EXPIRED

    def settle(self, session: gateway.Session, *, has_failed: bool = False) -> None:
        """Brings the row to what Stripe says. ``has_failed``: a payment that was on its way did not arrive.

        Safe to repeat, and in any order.
        """
        if session.client_reference_id == self.public_id:
            self._adopt(session)
        if session.status == "complete" and session.payment_status != "unpaid":
            if differences := self._differences(session):
                self.mark_needs_review(differences)
            else:
                self.mark_paid()
        elif session.id != self.checkout_session_id:
            return
        elif session.status == "expired":
            self.mark_expired()
        elif session.status == "complete" and has_failed:
            self.mark_failed()

    def mark_paid(self) -> bool:
        """True the first time. An end that came before is overtaken: Stripe is right."""
        return self._move(
            self.Status.PAID, self.OPEN, signals.transaction_paid, paid_at=timezone.now()
        )

    def mark_expired(self) -> bool:
        return self._move(self.Status.EXPIRED, (self.Status.PENDING,), signals.transaction_expired)

    def mark_failed(self) -> bool:
        return self._move(self.Status.FAILED, (self.Status.PENDING,))

    def mark_needs_review(self, reason: str) -> bool:
        """For a person to look at. What is paid already stays paid."""
        return self._move(
            self.Status.NEEDS_REVIEW,
            self.OPEN,
            signals.transaction_needs_review,
            review_reason=reason,
        )

    def receivers(self) -> list[User]:
        """Who should hear that it is paid. Of a campaign's checkout the donation tells."""
        if self.source == self.Source.CAMPAIGN:
            return []
        return self.organization.answerable(self.made_by)

    def amount_text(self) -> str:
        return currencies.format_amount(self.amount, self.currency)

    def _adopt(self, session: gateway.Session) -> None:
        """Remembers the session, if there is none yet."""
        Transaction.objects.filter(pk=self.pk, checkout_session_id=None).update(
            checkout_session_id=session.id, checkout_url=session.url
        )
        self.refresh_from_db()

    def _differences(self, session: gateway.Session) -> str:
        """Where our row and a session that claims to be paid disagree; empty when nowhere."""
        ours_and_theirs = {
            "id": (self.checkout_session_id, session.id),
            "client_reference_id": (self.public_id, session.client_reference_id),
            "amount": (self.amount, session.amount),
            "currency": (self.currency, session.currency),
            "livemode": (self.livemode, session.livemode),
            "payment_status": ("paid", session.payment_status),
        }
        return "\n".join(
            f"{name}: {ours} here, {theirs} at Stripe"
            for name, (ours, theirs) in ours_and_theirs.items()
            if ours != theirs
        )

    def _move(
        self,
        status: "Transaction.Status",
        since: tuple["Transaction.Status", ...],
        signal: "Signal | None" = None,
        **fields: Any,
    ) -> bool:
        """One conditional UPDATE, and the signal in the same transaction; False when it was not ``since``."""
        with transaction.atomic():
            rows = Transaction.objects.filter(pk=self.pk, status__in=since)
            moved = bool(rows.update(status=status, **fields))
            self.refresh_from_db()
            if moved and signal is not None:
                signal.send_robust(sender=Transaction, subject=self, actor=None, device=None)
        return moved
