"""The outbox row: one notification on its way to one device."""

from enum import IntEnum
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from push.models.notification import Notification
from push.models.subscription import Subscription


class Lane(IntEnum):
    """Where a row waits: whatever is urgent goes before all that is not, at each push service."""

    URGENT = 0
    LATER = 1


class Delivery(models.Model):
    """Written in the event's own transaction, moved on by ``push/delivery/outbox.py`` alone.

    The device's and the service's names are snapshots: they outlive the subscription.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        SENDING = "sending", _("being sent")
        ACCEPTED = "accepted", _("accepted")
        FAILED = "failed", _("failed")
        GONE = "gone", _("device gone")
        EXPIRED = "expired", _("expired")
        DROPPED = "dropped", _("not sent")

    class Urgency(models.TextChoices):
        """RFC 8030, section 5.3."""

        VERY_LOW = "very-low"
        LOW = "low"
        NORMAL = "normal"
        HIGH = "high"

    OPEN: ClassVar = (State.PENDING, State.SENDING)
    URGENT: ClassVar = (Urgency.HIGH, Urgency.NORMAL)

    # Each index is written twice for every push: none that another covers, none for rare questions.
    notification = models.ForeignKey(
        Notification,
        models.CASCADE,
        related_name="deliveries",
        db_index=False,  # the unique constraint begins with it
    )
    subscription = models.ForeignKey(
        Subscription, models.SET_NULL, null=True, blank=True, related_name="deliveries"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,  # a person's deliveries leave with the notifications
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    service = models.CharField(max_length=100)
    device_public_id = models.CharField(max_length=16)
    device_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=60)
    urgency = models.CharField(max_length=8, choices=Urgency, default=Urgency.NORMAL)
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    lease_owner = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_ms = models.PositiveIntegerField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    location = models.TextField(blank=True)
    apns_id = models.CharField(max_length=64, blank=True)
    shown_at = models.DateTimeField(null=True, blank=True)
    tapped_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["notification", "subscription"],
                name="one_delivery_per_notification_and_subscription",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                F("service"),
                # As push.delivery.outbox.LANE has it: of an expression, so that no writer knows of it.
                Case(
                    When(urgency__in=["high", "normal"], then=Value(Lane.URGENT.value)),
                    default=Value(Lane.LATER.value),
                ),
                F("due_at"),
                name="outbox_due",
                condition=models.Q(state="pending"),
            ),
            models.Index(
                fields=["lease_until"], name="outbox_leases", condition=models.Q(state="sending")
            ),
            models.Index(
                fields=["device_public_id"],
                name="outbox_of_device",
                condition=models.Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.device_name}: {self.state}"
