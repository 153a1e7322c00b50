"""At send time, look again: is it still wanted, not read, not too late? Then make the message."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Max, OuterRef, Subquery

from push.delivery import payload, receipts
from push.delivery.request import Message
from push.delivery.statements import id_list, ids_query, read_moment, run
from push.delivery.vapid import keyring
from push.models import Delivery, Subscription

if TYPE_CHECKING:
    from push.models.subscription import SubscriptionQuerySet

logger = logging.getLogger(__name__)

State = Delivery.State
_SLOW_DOWN = ("slow_down", "too_many_tokens")


@dataclass(frozen=True, slots=True)
class Fate:
    """What a row becomes. ``due_at`` is for rows that wait again."""

    state: str
    reason: str = ""
    due_at: datetime | None = None


@dataclass(slots=True)
class Row:
    """A claimed delivery with all that the decision and the message need.

    ``actions`` is JSON. ``unread`` is the badge of the device: where an event was caused, its
    notification counts as read.
    """

    id: int
    user_id: int
    device_public_id: str
    attempts: int
    urgency: str
    reason: str
    expires_at: datetime
    shown_at: datetime | None
    is_active: bool
    push_enabled: bool | None
    kind_is_off: bool
    notification_device_id: int | None
    read_at: datetime | None
    public_id: str
    kind: str
    title: str
    body: str
    url: str
    actions: str
    language: str
    created_at: datetime
    subscription_id: int | None
    subscriber_id: int
    device_id: int
    device_wanted: bool | None
    subscription_state: str | None
    subscription_reason: str
    refusals: int
    service: str
    endpoint: str
    endpoint_hash: str
    p256dh: bytes
    auth: bytes
    key_id: str
    unread: int


# By hand, because the ORM takes longer to write this query than the database to answer it. Look-ups
# of one column are subqueries: each further JOIN costs PostgreSQL's planner more than it saves.
_LOAD = """
SELECT
    delivery.id, delivery.user_id, delivery.device_public_id, delivery.attempts,
    delivery.urgency, delivery.reason, delivery.expires_at, delivery.shown_at,
    (SELECT is_active FROM accounts_user WHERE id = delivery.user_id),
    (SELECT push_enabled FROM push_preference WHERE user_id = delivery.user_id),
    EXISTS (
        SELECT 1 FROM push_kindpreference choice
        WHERE choice.user_id = delivery.user_id AND choice.kind = delivery.kind AND NOT choice.enabled
    ),
    notification.device_id, notification.read_at, notification.public_id, notification.kind,
    notification.title, notification.body, notification.url,
    CAST(notification.actions AS text),
    notification.language, notification.created_at,
    delivery.subscription_id, subscription.user_id, subscription.device_id,
    (SELECT push_wanted FROM accounts_device WHERE id = subscription.device_id),
    subscription.state, subscription.last_error_reason, subscription.refusals, subscription.service,
    subscription.endpoint, subscription.endpoint_hash, subscription.p256dh, subscription.auth,
    subscription.key_id,
    (
        SELECT COUNT(*) FROM push_notification unread
        WHERE unread.user_id = delivery.user_id AND unread.in_bell AND unread.read_at IS NULL
        AND (unread.device_id IS NULL OR unread.device_id <> subscription.device_id)
    )
FROM ({ids}) AS picked
JOIN push_delivery delivery ON delivery.id = picked.id
JOIN push_notification notification ON notification.id = delivery.notification_id
LEFT JOIN push_subscription subscription ON subscription.id = delivery.subscription_id
ORDER BY delivery.due_at, delivery.id
"""


def load(ids: Sequence[int]) -> list[Row]:
    """The claimed rows; those whose subscription was replaced meanwhile with their device's new one."""
    rows = _load(ids)
    ended = [row.id for row in rows if row.subscription_state != Subscription.State.ACTIVE]
    if ended and _relink(ended):
        rows = [row for row in rows if row.id not in ended] + _load(ended)
    return rows


def judge(rows: Sequence[Row], now: datetime) -> dict[int, Fate]:
    """The rows that must not go out now, by id, and what they become instead."""
    known_keys = keyring().pairs.keys()
    slow = [
        row.subscription_id
        for row in rows
        if row.subscription_id is not None and row.subscription_reason in _SLOW_DOWN
    ]
    not_before = _not_before(slow, now) if slow else {}
    fates = {}
    for row in rows:
        fate = _judge(row, now, known_keys)
        if fate is None and row.subscription_id in not_before:
            until = not_before[row.subscription_id]
            fate = Fate(State.PENDING, row.subscription_reason, until)
        if fate is not None:
            fates[row.id] = fate
    return fates


def messages(rows: Sequence[Row], now: datetime) -> tuple[list[Message], dict[int, Fate]]:
    """The messages to send; a row of which none can be made fails alone."""
    made, failed = [], {}
    for row in rows:
        try:
            made.append(_message(row, now))
        except Exception:
            logger.exception("Delivery %s cannot be made into a message.", row.id)
            failed[row.id] = Fate(State.FAILED, "internal")
    return made, failed


def _load(ids: Sequence[int]) -> list[Row]:
    found = run(_LOAD.format(ids=ids_query()), [id_list(ids)])
    if connection.vendor == "postgresql":
        return [Row(*values) for values in found]
    return [_row(*values) for values in found]


def _row(*values: Any) -> Row:
    row = Row(*values)
    row.expires_at = read_moment(row.expires_at)
    row.created_at = read_moment(row.created_at)
    row.shown_at = read_moment(row.shown_at) if row.shown_at else None
    row.read_at = read_moment(row.read_at) if row.read_at else None
    return row


def _relink(ids: Sequence[int]) -> int:
    """Points rows at the subscription that their device has now: the device lasts, not the endpoint."""
    current: SubscriptionQuerySet = Subscription.objects.active().filter(
        device__public_id=OuterRef("device_public_id"), user=OuterRef("user_id")
    )
    devices = Delivery.objects.filter(pk__in=ids).values("device_public_id")
    active = Subscription.objects.active().filter(device__public_id__in=devices)
    found = Delivery.objects.filter(
        pk__in=ids, device_public_id__in=active.values("device__public_id")
    )
    return found.update(
        subscription=Subquery(current.values("pk")[:1]),
        service=Subquery(current.values("service")[:1]),
    )


def _judge(row: Row, now: datetime, known_keys: Collection[str]) -> Fate | None:
    if row.shown_at is not None:  # an earlier attempt arrived, only its answer was lost
        return Fate(State.ACCEPTED)
    ended = _ended(row)
    if ended is not None:
        return ended
    if row.expires_at <= now:
        return Fate(State.EXPIRED, row.reason or "expired")
    if row.read_at is not None or row.notification_device_id == row.device_id:
        return Fate(State.DROPPED, "read")
    if not row.push_enabled:
        return Fate(State.DROPPED, "master_off")
    if row.kind_is_off:
        return Fate(State.DROPPED, "not_wanted")
    if row.key_id not in known_keys:
        return Fate(State.FAILED, "unknown_key")
    return None


def _ended(row: Row) -> Fate | None:
    """What becomes of a row whose device has no live subscription of this person any more."""
    state = row.subscription_state
    if state == Subscription.State.GONE:
        return Fate(State.GONE, "endpoint_gone")
    if state == Subscription.State.STALE:
        return Fate(State.FAILED, row.subscription_reason or "key_mismatch")
    if state is None or not row.device_wanted:
        return Fate(State.DROPPED, "unsubscribed")
    if row.subscriber_id != row.user_id or not row.is_active:
        return Fate(State.DROPPED, "unsubscribed")
    return None


def _not_before(subscriptions: Sequence[int], now: datetime) -> dict[int, datetime]:
    """Until when a push service asked to be left alone about these devices, where it did."""
    waiting = Delivery.objects.filter(
        subscription__in=subscriptions, state=State.PENDING, reason__in=_SLOW_DOWN, due_at__gt=now
    )
    found = waiting.values_list("subscription_id").annotate(until=Max("due_at"))
    return {pk: until for pk, until in found if pk is not None}


def _message(row: Row, now: datetime) -> Message:
    content = payload.Content(
        row.public_id,
        row.kind,
        row.title,
        row.body,
        row.url,
        row.actions,
        row.language,
        row.created_at,
    )
    return Message(
        id=row.id,
        endpoint=row.endpoint,
        service=row.service,
        p256dh=bytes(row.p256dh),
        auth=bytes(row.auth),
        plaintext=payload.build(
            content, unread=row.unread, receipts=receipts.tokens(row.id, row.expires_at)
        ),
        ttl=max(1, int((row.expires_at - now).total_seconds())),
        urgency=row.urgency,
        topic=payload.topic(row.public_id),
        key_id=row.key_id,
    )
