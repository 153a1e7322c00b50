"""What is done regularly: old rows leave. Scheduled in settings (``TASKS``), run by django-ox."""

from datetime import datetime, timedelta

from django.db.models import Model, QuerySet
from django.tasks import task
from django.utils import timezone

from push.models import Delivery, GoneEndpoint, Notification, Subscription

KEEP_GONE_SUBSCRIPTIONS = timedelta(hours=24)
KEEP_GONE_ENDPOINTS = timedelta(days=30)
KEEP_HISTORY = timedelta(days=180)

BATCH = 1000
"""Rows deleted in one transaction: SQLite has one writer, who must not be kept waiting."""


@task()
def prune() -> dict[str, int]:
    """Deletes what is too old, in batches; how many rows of each, by name."""
    return prune_before(timezone.now())


def prune_before(now: datetime) -> dict[str, int]:
    """What ``prune`` does, at any time. Subscriptions that are gone keep their deliveries' history."""
    history = now - KEEP_HISTORY
    return {
        "subscriptions": _delete(
            Subscription.objects.filter(
                state=Subscription.State.GONE, gone_at__lt=now - KEEP_GONE_SUBSCRIPTIONS
            )
        ),
        "gone_endpoints": _delete(
            GoneEndpoint.objects.filter(gone_at__lt=now - KEEP_GONE_ENDPOINTS)
        ),
        "deliveries": _delete(
            Delivery.objects.filter(created_at__lt=history).exclude(state__in=Delivery.OPEN)
        ),
        "notifications": _delete(
            Notification.objects.filter(created_at__lt=history).exclude(
                deliveries__state__in=Delivery.OPEN
            )
        ),
    }


def _delete[M: Model](rows: QuerySet[M]) -> int:
    """Deletes all of ``rows``, a batch at a time, and what hangs on them; how many of ``rows``."""
    deleted = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=batch).delete()
        deleted += len(batch)
    return deleted
