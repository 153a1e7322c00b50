"""A signal came: who wants it, and the rows that follow. Wired by ``connect()``, called once from ``apps.py``."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone, translation

import accounts.signals
from accounts.models import Device, User
from push import tasks
from push.delivery import wake
from push.models import Announcement, Delivery, Notification, Subscription
from push.notices import preferences
from push.notices.kinds import KINDS, Kind, Skip


def connect() -> None:
    """One receiver per kind, those that settle what was said, and those that end subscriptions."""
    for kind in KINDS:
        receiver = _expander(kind) if kind.for_everybody else _receiver(kind)
        kind.signal.connect(receiver, weak=False, dispatch_uid=f"notices:{kind.name}")
        for signal in kind.settled_by:
            signal.connect(_settler(kind), weak=False, dispatch_uid=f"settled:{kind.name}")
    accounts.signals.device_signed_out.connect(
        _end_subscription, dispatch_uid="push:device_signed_out"
    )
    accounts.signals.device_taken_over.connect(
        _end_subscription, dispatch_uid="push:device_taken_over"
    )


def _receiver(kind: Kind) -> Callable[..., None]:
    def receive(
        sender: object, subject: Any, actor: User | None, device: Device | None, **_named: object
    ) -> None:
        notify(kind, subject, actor, device)

    return receive


def _expander(kind: Kind) -> Callable[..., None]:
    def receive(sender: object, subject: Announcement, **_named: object) -> None:
        with transaction.atomic():
            tasks.expand.enqueue(subject.pk, subject.cursor)

    return receive


def _settler(kind: Kind) -> Callable[..., None]:
    def settle(sender: object, subject: Any, **_named: object) -> None:
        with transaction.atomic():
            people = [user.pk for user in kind.who(subject)]
            Notification.objects.filter(
                user__in=people, event_key=kind.event_key(subject)
            ).mark_read()

    return settle


def notify(
    kind: Kind, subject: Any, actor: User | None, device: Device | None
) -> list[Notification]:
    """Writes the notifications and outbox rows of one event; returns what is new (nothing for a replay).

    Under a savepoint of its own: a failure here never rolls back the fact that caused it (the sender calls
    ``send_robust``, which reports it).
    """
    with transaction.atomic():
        people = {user.pk: user for user in kind.who(subject) if user.is_active}
        if kind.skip == Skip.PERSON and actor is not None:
            people.pop(actor.pk, None)
        for unwilling in preferences.unwilling(kind, people) if kind.bell else ():
            del people[unwilling]
        written = _write_notifications(kind, subject, device, people)
        if written:
            _write_deliveries(kind, subject, device, written)
    return written


def _write_notifications(
    kind: Kind, subject: Any, device: Device | None, people: dict[int, User]
) -> list[Notification]:
    rows = [_notification(kind, subject, device, person) for person in people.values()]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    # Only what this call inserted has our public ids; a replay finds none of them.
    return list(Notification.objects.filter(public_id__in=[row.public_id for row in rows]))


def _notification(kind: Kind, subject: Any, device: Device | None, person: User) -> Notification:
    with translation.override(person.language):
        message = kind.message(subject)
    return Notification(
        user=person,
        kind=kind.name,
        event_key=kind.event_key(subject),
        level=kind.level,
        title=message.title,
        body=message.body,
        url=message.url,
        actions=[
            {"action": action.action, "title": action.title, "navigate": action.navigate}
            for action in message.actions
        ],
        language=person.language,
        in_bell=kind.bell,
        device=device if kind.skip == Skip.DEVICE else None,
    )


def _write_deliveries(
    kind: Kind, subject: Any, device: Device | None, written: list[Notification]
) -> None:
    by_user = {notification.user_id: notification for notification in written}
    subscriptions = Subscription.objects.active().filter(
        user__in=by_user, user__push_preference__push_enabled=True
    )
    if kind.only is not None:
        subscriptions = subscriptions.filter(device=kind.only(subject))
    if kind.skip == Skip.DEVICE and device is not None:
        subscriptions = subscriptions.exclude(device=device)
    now = timezone.now()
    expires_at = now + kind.lives(subject)
    rows = [
        _delivery(kind, by_user[subscription.user_id], subscription, now, expires_at)
        for subscription in subscriptions.select_related("device")
    ]
    Delivery.objects.bulk_create(rows)
    if rows:
        wake.notify()


def _delivery(
    kind: Kind,
    notification: Notification,
    subscription: Subscription,
    now: datetime,
    expires_at: datetime,
) -> Delivery:
    return Delivery(
        notification=notification,
        subscription=subscription,
        user_id=subscription.user_id,
        service=subscription.service,
        device_public_id=subscription.device.public_id,
        device_name=subscription.device.name,
        kind=kind.name,
        urgency=kind.urgency,
        created_at=now,
        due_at=now,
        expires_at=expires_at,
    )


def _end_subscription(sender: object, subject: Device, **_named: object) -> None:
    Subscription.end_for(subject)
