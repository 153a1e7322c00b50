"""One announcement -> everybody's rows, a chunk of people at a time.

A chunk is one transaction: the announcement moves on, its notifications and outbox rows are written, the workers
are woken, the next chunk is enqueued. Killed at any moment, it either happened or did not; told twice to
expand the same chunk, only one does. The rows are written by the database itself (INSERT … SELECT): a
person costs microseconds here, and the memory of a task worker does not grow with the number of people.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from push.delivery import wake
from push.models import Announcement, Delivery, KindPreference, Notification, Subscription
from push.notices.insert import Parameter, insert_from
from push.notices.kinds import BY_NAME

KIND = BY_NAME["push.announcement"]

CHUNK = 2000
"""People in one transaction: SQLite has one writer, who must not keep the others waiting."""

DROPPED_AT_ONCE = 2000

# 96 random bits, as ``new_public_id`` makes them.
_PUBLIC_ID = {
    "postgresql": "substr(md5(gen_random_uuid()::text), 1, 24)",
    "sqlite": "lower(hex(randomblob(12)))",
}

_PEOPLE = """
FROM accounts_user person
WHERE person.id > %s AND person.id <= %s AND person.is_active
AND NOT EXISTS (
    SELECT 1 FROM push_kindpreference choice
    WHERE choice.user_id = person.id AND choice.kind = %s AND NOT choice.enabled
)
"""

_DEVICES = """
FROM push_notification notification
JOIN push_preference preference
    ON preference.user_id = notification.user_id AND preference.push_enabled
JOIN push_subscription subscription
    ON subscription.user_id = notification.user_id AND subscription.state = 'active'
JOIN accounts_device device ON device.id = subscription.device_id
WHERE notification.announcement_id = %s
AND notification.user_id > %s AND notification.user_id <= %s
"""

# From the end that the workers, who send the oldest first, reach last.
_DROP = """
UPDATE push_delivery SET state = 'dropped', reason = 'cancelled'
WHERE state = 'pending' AND notification_id IN (
    SELECT id FROM push_notification
    WHERE announcement_id = %s AND user_id > %s AND user_id <= %s
)
"""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who would hear of an announcement made now. ``switched_off`` do not want to."""

    people: int
    devices: int
    switched_off: int
    last_user: int


def audience() -> Audience:
    """Counts; a constant number of queries, each over whole tables."""
    everybody: QuerySet[User] = User.objects.filter(is_active=True)
    off = KindPreference.objects.filter(user=OuterRef("pk"), kind=KIND.name, enabled=False)
    willing = everybody.filter(~Exists(off))
    last = User.objects.aggregate(last=Max("pk"))["last"]
    people = willing.count()
    return Audience(
        people=people,
        devices=Subscription.objects.active()
        .filter(user__in=willing, user__push_preference__push_enabled=True)
        .count(),
        switched_off=everybody.filter(Exists(off)).count(),
        last_user=last or 0,
    )


def publish(
    *, public_id: str, title: str, body: str, url: str, by: User | None = None
) -> tuple[Announcement, bool]:
    """Announces it to everybody who is registered now; with whether ``public_id`` is new."""
    heard = audience()
    return Announcement.publish(
        public_id=public_id,
        title=title,
        body=body,
        url=url,
        by=by,
        people=heard.people,
        last_user=heard.last_user,
    )


def expand(announcement: Announcement) -> bool:
    """Tells the next chunk of people. True: there are more. In one transaction, which the caller may join."""
    now = timezone.now()
    first = announcement.cursor
    last = _end_of_chunk(announcement)
    if last is None:
        announcement.finish(now)
        return False
    with transaction.atomic():
        if not announcement.advance(last, now):
            return False
        _write_notifications(announcement, first, last, now)
        lives = KIND.lives(announcement)
        if lives and _write_deliveries(announcement, first, last, now, lives):
            wake.notify()
    return True


def drop_cancelled(announcement: Announcement, last: int | None = None) -> int | None:
    """Drops a batch of the pushes that wait, people with the highest ids first; at whom to go on, if anywhere."""
    told = Notification.objects.filter(announcement=announcement)
    if last is None:
        last = announcement.last_user
    below = told.filter(user__lte=last).order_by("-user").values_list("user", flat=True)
    first = next(iter(below[DROPPED_AT_ONCE : DROPPED_AT_ONCE + 1]), 0)
    with connection.cursor() as cursor:
        cursor.execute(_DROP, [announcement.pk, first, last])
    return first or None


def _end_of_chunk(announcement: Announcement) -> int | None:
    """The last person of the next chunk; None: there are no more."""
    after = User.objects.filter(pk__gt=announcement.cursor, pk__lte=announcement.last_user)
    chunk = after.order_by("pk").values("pk")[:CHUNK]
    last: int | None = User.objects.filter(pk__in=chunk).aggregate(last=Max("pk"))["last"]
    return last


def _write_notifications(announcement: Announcement, first: int, last: int, now: datetime) -> None:
    message = KIND.message(announcement)
    insert_from(
        Notification,
        {
            "user": "person.id",
            "language": "person.language",
            "public_id": _PUBLIC_ID[connection.vendor],
            "kind": Parameter(KIND.name),
            "event_key": Parameter(KIND.event_key(announcement)),
            "level": Parameter(KIND.level),
            "title": Parameter(message.title),
            "body": Parameter(message.body),
            "url": Parameter(message.url),
            "in_bell": Parameter(KIND.bell),
            "created_at": Parameter(now),
            "announcement": Parameter(announcement.pk),
        },
        _PEOPLE,
        [first, last, KIND.name],
    )


def _write_deliveries(
    announcement: Announcement, first: int, last: int, now: datetime, lives: timedelta
) -> int:
    return insert_from(
        Delivery,
        {
            "notification": "notification.id",
            "subscription": "subscription.id",
            "user": "subscription.user_id",
            "service": "subscription.service",
            "device_public_id": "device.public_id",
            "device_name": "device.name",
            "kind": Parameter(KIND.name),
            "urgency": Parameter(KIND.urgency),
            "created_at": Parameter(now),
            "due_at": Parameter(now),
            "expires_at": Parameter(now + lives),
        },
        _DEVICES,
        [announcement.pk, first, last],
    )
