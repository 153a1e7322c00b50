"""People with devices at many push services, and news for all of them: rows by the thousand."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import Device, User
from push.delivery.endpoints import endpoint_hash
from push.delivery.payload import topic
from push.delivery.vapid import keyring
from push.delivery.wake import CHANNEL
from push.models import Delivery, Notification, Preference, Subscription
from tests.push_services import Services

type Copy = tuple[str, str]
"""A delivery as its push service sees it: the subscription's token and the Topic."""

BATCH = 2000


@dataclass
class Crowd:
    """Everybody, in the database ``using``. ``copies`` are the deliveries by their ids."""

    services: Services
    using: str = "default"
    subscriptions: list[Subscription] = field(default_factory=list)
    copies: dict[int, Copy] = field(default_factory=dict)

    def join(
        self, people: int, devices: int, service: int = 0, mood: str = ""
    ) -> list[Subscription]:
        """People with so many devices each, all with push on, at one of the services.

        With a ``mood`` the service treats these devices in that way.
        """
        users = User.objects.using(self.using).bulk_create(
            [User(email=f"{secrets.token_hex(8)}@example.org") for _n in range(people)]
        )
        Preference.objects.using(self.using).bulk_create(
            [Preference(user=user, push_enabled=True) for user in users]
        )
        owned = Device.objects.using(self.using).bulk_create(
            [
                Device(user=user, name="Phone", secret_hash=secrets.token_hex(32), push_wanted=True)
                for user in users
                for _n in range(devices)
            ]
        )
        joined = [self._subscription(device, service, mood) for device in owned]
        self.subscriptions += Subscription.objects.using(self.using).bulk_create(joined)
        return joined

    def tell(
        self,
        times: int = 1,
        *,
        expires_in: float = 3600,
        to: Iterable[Subscription] | None = None,
    ) -> list[int]:
        """So many notifications for each person, one delivery for each device; the deliveries' ids.

        One transaction, announced as the product announces it.
        """
        subscriptions = self.subscriptions if to is None else [*to]
        by_person: dict[int, list[Subscription]] = {}
        for subscription in subscriptions:
            by_person.setdefault(subscription.user_id, []).append(subscription)
        now = timezone.now()
        with transaction.atomic(using=self.using):
            notifications = Notification.objects.using(self.using).bulk_create(
                [
                    Notification(
                        user_id=user,
                        kind="a.kind",
                        event_key=secrets.token_hex(8),
                        title="News",
                        body="For everybody",
                        url="/Drops",
                    )
                    for user in by_person
                    for _n in range(times)
                ]
            )
            rows = Delivery.objects.using(self.using).bulk_create(
                [
                    Delivery(
                        notification=notification,
                        subscription=subscription,
                        user_id=subscription.user_id,
                        service=subscription.service,
                        device_public_id=subscription.device.public_id,
                        device_name="Phone",
                        kind="a.kind",
                        due_at=now,
                        expires_at=now + timedelta(seconds=expires_in),
                    )
                    for notification in notifications
                    for subscription in by_person[notification.user_id]
                ],
                batch_size=BATCH,
            )
            self._ring()
        topics = {each.pk: topic(each.public_id) for each in notifications}
        tokens = {each.pk: token_of(each) for each in subscriptions}
        made = {
            row.pk: (tokens[row.subscription_id], topics[row.notification_id])
            for row in rows
            if row.subscription_id
        }
        self.copies |= made
        return [*made]

    def _ring(self) -> None:
        connection = connections[self.using]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])

    def _subscription(self, device: Device, service: int, mood: str) -> Subscription:
        current = keyring().current
        assert current is not None
        token = f"{mood}~{secrets.token_hex(8)}" if mood else secrets.token_hex(8)
        endpoint = self.services.endpoint(service, token)
        return Subscription(
            user_id=device.user_id,
            device=device,
            endpoint=endpoint,
            endpoint_hash=endpoint_hash(endpoint),
            p256dh=BROWSER_KEY,
            auth=b"sixteen bytes of",
            service=self.services.hosts[service],
            key_id=current.key_id,
        )


def token_of(subscription: Subscription) -> str:
    """The subscription's name at its push service."""
    return subscription.endpoint.rpartition("/")[2]


# One browser's key for all: what is encrypted with it differs all the same.
BROWSER_KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)
