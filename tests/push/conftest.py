"""Devices that are subscribed at the push service, things to send them, and a worker in the test's hands."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Device, User
from push.delivery.vapid import keyring
from push.delivery.worker import Worker
from push.models import Delivery, Notification, Preference, Subscription
from tests.autopush.subscriber import Subscriber
from tests.push_service import PushService


@dataclass
class Phone:
    """A device, its subscription, and the browser's end of it."""

    device: Device
    subscription: Subscription
    browser: Subscriber

    def fresh(self) -> Subscription:
        self.subscription.refresh_from_db()
        return self.subscription


class Outbox:
    """Puts things into the outbox and runs a worker over it."""

    def __init__(self, service: PushService) -> None:
        self.service = service
        self.made = 0
        self.workers: list[Worker] = []

    def phone(self, user: User, name: str = "Phone") -> Phone:
        """A device of this person with push on."""
        self.made += 1
        Preference.set_push(user, True)
        return self._subscribe(
            Device.objects.create(user=user, name=name, secret_hash=f"{self.made:064d}")
        )

    def renew(self, phone: Phone) -> Phone:
        """The same device with a new subscription, as after a repair."""
        return self._subscribe(phone.device)

    def _subscribe(self, device: Device) -> Phone:
        current = keyring().current
        assert current is not None
        browser = self.service.subscriber(current.public)
        subscription = Subscription.subscribe(
            device,
            endpoint=browser.endpoint,
            service=self.service.host,
            p256dh=browser.p256dh,
            auth=browser.auth,
            key_id=current.key_id,
            repair=True,
        )
        return Phone(device, subscription, browser)

    def notification(self, user: User, **fields: Any) -> Notification:
        self.made += 1
        values = {"kind": "a.kind", "title": "A title", "body": "A body", "url": "/Drops"}
        return Notification.objects.create(user=user, event_key=f"{self.made}", **values | fields)

    def delivery(
        self, phone: Phone, *, about: dict[str, Any] | None = None, **fields: Any
    ) -> Delivery:
        """One row that waits; ``about`` are the notification's fields."""
        subscription = phone.subscription
        notification = fields.pop("notification", None)
        notification = notification or self.notification(subscription.user, **(about or {}))
        values = {
            "kind": notification.kind,
            "service": subscription.service,
            "device_public_id": phone.device.public_id,
            "device_name": phone.device.name,
            "expires_at": timezone.now() + timedelta(hours=1),
        }
        return Delivery.objects.create(
            notification=notification,
            subscription=subscription,
            user=subscription.user,
            **values | fields,
        )

    def worker(self) -> Worker:
        """One that the test runs; it ends with the test."""
        worker = Worker()
        self.workers.append(worker)
        return worker

    def drain(self) -> Worker:
        """A worker sends what is due and ends."""
        worker = self.worker()
        worker.run(until_empty=True)
        return worker

    def hurry(self) -> None:
        """The time that rows wait for has come."""
        rows = Delivery.objects.filter(state=Delivery.State.PENDING)
        rows.update(due_at=timezone.now() - timedelta(seconds=1))

    def send(self, phone: Phone, **fields: Any) -> Delivery:
        """Puts one row in, lets a worker send it, and reads what became of it."""
        delivery = self.delivery(phone, **fields)
        self.drain()
        delivery.refresh_from_db()
        return delivery


@pytest.fixture
def outbox(push_service: PushService, settings: Any) -> Iterator[Outbox]:
    settings.WEBPUSH_EXTRA_HOSTS = [push_service.host]
    outbox = Outbox(push_service)
    yield outbox
    for worker in outbox.workers:
        worker.bell.close()


@pytest.fixture
def phone(outbox: Outbox, owner: User) -> Phone:
    return outbox.phone(owner)
