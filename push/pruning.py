"""What is too old leaves: in batches, each a short transaction, at the same cost however big the tables are.

Ids grow with time, so old deliveries and notifications stand at the front of the primary key: a prune
walks it from the lowest id and ends at the first batch in which nothing is old. No index is kept for
that, which every send would pay for. Two prunes at once share the work: what one has locked, the
other passes over.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet

from push.models import Delivery, GoneEndpoint, Notification, Subscription

KEEP_GONE_SUBSCRIPTIONS = timedelta(hours=24)
KEEP_GONE_ENDPOINTS = timedelta(days=30)

BATCH = 1000
"""Rows deleted in one transaction: SQLite has one writer, who must not be kept waiting."""

SUBSCRIPTIONS = 100
"""Subscriptions deleted in one transaction: the deliveries of each let go of it, and stay."""

type Rows = QuerySet[Any, Any]
type Keys = Sequence[int | str]

type Step = Callable[[int], tuple[Keys, int | None]]
"""Finds and locks the next batch after an id: its keys, and the id to go on after; None at the end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Rows from before these moments leave."""

    subscriptions: datetime
    gone_endpoints: datetime
    deliveries: datetime
    notifications: datetime


def limits(now: datetime, days: int | None = None) -> Limits:
    """As the settings say; ``days`` in their place for deliveries and notifications."""
    keep_deliveries = settings.PUSH_KEEP_DAYS if days is None else days
    keep_notifications = settings.PUSH_KEEP_NOTIFICATION_DAYS if days is None else days
    return Limits(
        subscriptions=now - KEEP_GONE_SUBSCRIPTIONS,
        gone_endpoints=now - KEEP_GONE_ENDPOINTS,
        deliveries=now - timedelta(days=keep_deliveries),
        notifications=now - timedelta(days=keep_notifications),
    )


def prune(old: Limits, *, dry_run: bool = False) -> dict[str, int]:
    """Deletes what is old, or only counts it; how many rows of each kind.

    What is still on its way stays, and so does a notification that has a delivery left.
    """
    gone = Subscription.objects.filter(
        state=Subscription.State.GONE, gone_at__lt=old.subscriptions
    ).order_by("gone_at")
    endpoints = GoneEndpoint.objects.filter(gone_at__lt=old.gone_endpoints).order_by("gone_at")
    deliveries = Delivery.objects.filter(created_at__lt=old.deliveries).exclude(
        state__in=Delivery.OPEN
    )
    notifications = Notification.objects.filter(
        ~Exists(_deliveries_left(old, dry_run)), created_at__lt=old.notifications
    )
    if dry_run:
        return {
            "subscriptions": gone.count(),
            "gone endpoints": endpoints.count(),
            "deliveries": _run(_walk(deliveries, old.deliveries)),
            "notifications": _run(_walk(notifications, old.notifications)),
        }
    return {
        "subscriptions": _run(_first(gone, SUBSCRIPTIONS), _delete_subscriptions),
        "gone endpoints": _run(_first(endpoints, BATCH), _deletion(GoneEndpoint.objects.all())),
        "deliveries": _run(_walk(deliveries, old.deliveries), _deletion(deliveries)),
        "notifications": _run(_walk(notifications, old.notifications), _deletion(notifications)),
    }


def _deliveries_left(old: Limits, dry_run: bool) -> Rows:
    """What keeps a notification. Before a dry run nothing has left yet, so it leaves out what would have."""
    left: Rows = Delivery.objects.filter(notification=OuterRef("pk"))
    if dry_run:
        left = left.filter(Q(created_at__gte=old.deliveries) | Q(state__in=Delivery.OPEN))
    return left


def _walk(rows: Rows, before: datetime) -> Step:
    """The old ``rows`` of a table whose ids grow with time, from the lowest id on."""

    def step(after: int) -> tuple[Keys, int | None]:
        ahead = rows.model._default_manager.filter(pk__gt=after).order_by("pk")[:BATCH]
        page = ahead.values("pk", "created_at").aggregate(end=Max("pk"), oldest=Min("created_at"))
        if page["end"] is None or page["oldest"] >= before:
            return [], None
        here = rows.filter(pk__gt=after, pk__lte=page["end"]).order_by("pk")
        return _locked(here), page["end"]

    return step


def _first(rows: Rows, count: int) -> Step:
    """The first ``rows`` in their order, again and again until there are none."""

    def step(_after: int) -> tuple[Keys, int | None]:
        keys = _locked(rows[:count])
        return keys, 0 if keys else None

    return step


def _locked(rows: Rows) -> Keys:
    """SQLite has no row locks and needs none: its transactions here begin with the write lock."""
    return list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))


def _run(step: Step, delete: Callable[[Keys], int] = len) -> int:
    """All batches; how many rows. Rests as long as each took, so that others find the database free."""
    deleted = 0
    position: int | None = 0
    while position is not None:
        began = time.monotonic()
        with transaction.atomic():
            keys, position = step(position)
            deleted += delete(keys) if keys else 0
        time.sleep(time.monotonic() - began)
    return deleted


def _deletion(rows: Rows) -> Callable[[Keys], int]:
    """Deletes in SQL without reading a row: nothing hangs on these that has not left before."""

    def delete(keys: Keys) -> int:
        return rows.filter(pk__in=keys).order_by()._raw_delete(rows.db)

    return delete


def _delete_subscriptions(keys: Keys) -> int:
    """Their deliveries keep the names of device and service."""
    Delivery.objects.filter(subscription_id__in=keys).update(subscription=None)
    return _deletion(Subscription.objects.all())(keys)
