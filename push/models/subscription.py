"""A browser's push subscription: where to send, and with which keys."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Device
from push import signals

if TYPE_CHECKING:
    from accounts.models import User


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def active(self) -> "SubscriptionQuerySet":
        return self.filter(state=Subscription.State.ACTIVE)

    def of(self, user: "User") -> "SubscriptionQuerySet":
        return self.filter(user=user)


class Subscription(models.Model):
    """One per device. The endpoint is a secret: show and log ``endpoint_hash[:8]``, never the URL."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        STALE = "stale", _("needs a new subscription")
        GONE = "gone", _("gone")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="subscriptions")
    device = models.OneToOneField(Device, models.CASCADE, related_name="subscription")
    endpoint = models.TextField()
    endpoint_hash = models.CharField(max_length=64, unique=True, editable=False)
    p256dh = models.BinaryField(max_length=65)
    auth = models.BinaryField(max_length=16)
    service = models.CharField(_("push service"), max_length=100)
    key_id = models.CharField(_("VAPID key"), max_length=16)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    last_accepted_at = models.DateTimeField(_("last delivered"), null=True, blank=True)
    last_shown_at = models.DateTimeField(_("last shown"), null=True, blank=True)
    last_error_at = models.DateTimeField(_("last error"), null=True, blank=True)
    last_error_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error_reason = models.CharField(max_length=40, blank=True)
    last_error_detail = models.CharField(max_length=200, blank=True)
    refusals = models.PositiveSmallIntegerField(default=0)
    gone_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        indexes: ClassVar = [
            models.Index(fields=["user", "state"], name="subscriptions_of_person"),
            models.Index(fields=["service", "state"], name="subscriptions_of_service"),
            models.Index(
                fields=["gone_at"],
                name="subscriptions_gone",
                condition=models.Q(gone_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.endpoint_hash[:8]}"

    @classmethod
    def subscribe(
        cls,
        device: Device,
        *,
        endpoint: str,
        service: str,
        p256dh: bytes,
        auth: bytes,
        key_id: str,
        repair: bool,
    ) -> "Subscription":
        """Registers the browser's subscription; one row per device, a new one replaces the old.

        The caller has checked the endpoint, the keys and whose the endpoint is (another device's: ``IntegrityError``).
        A repair is silent; else the person asked for push: the account's master switch goes on, a welcome is sent.
        """
        from push.delivery.endpoints import endpoint_hash
        from push.models.preference import Preference

        with transaction.atomic():
            cls.objects.filter(device=device).delete()
            subscription = cls.objects.create(
                user=device.user,
                device=device,
                endpoint=endpoint,
                endpoint_hash=endpoint_hash(endpoint),
                service=service,
                p256dh=p256dh,
                auth=auth,
                key_id=key_id,
            )
            device.want_push(True)
            device.record("push_repaired" if repair else "push_subscribed", service)
            if not repair:
                Preference.set_push(device.user, True)
                signals.subscribed.send_robust(
                    sender=cls, subject=subscription, actor=device.user, device=device
                )
        return subscription

    @classmethod
    def end_for(cls, device: Device) -> bool:
        """Deletes the device's subscription, if any; what waits for it is dropped. True when there was one."""
        from push.models.delivery import Delivery

        with transaction.atomic():
            Delivery.objects.filter(
                device_public_id=device.public_id, state=Delivery.State.PENDING
            ).update(state=Delivery.State.DROPPED, reason="unsubscribed")
            ended, _rows = cls.objects.filter(device=device).delete()
            if ended:
                device.record("push_ended")
        return bool(ended)

    def request_test(self) -> "TestRequest":
        """Sends one test to this device through the real pipeline."""
        request = TestRequest(subscription=self, key=secrets.token_hex(8))
        with transaction.atomic():
            signals.test_requested.send_robust(
                sender=Subscription, subject=request, actor=self.user, device=self.device
            )
        return request


@dataclass(frozen=True, slots=True)
class TestRequest:
    """A pressed "Send test". ``key`` is part of the notification's event key: ``push.test:{key}``."""

    subscription: Subscription
    key: str


class GoneEndpoint(models.Model):
    """An endpoint that answered 404 or 410. Remembered for 30 days: a registration of it is refused with 409."""

    endpoint_hash = models.CharField(max_length=64, primary_key=True)
    gone_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.endpoint_hash[:8]
