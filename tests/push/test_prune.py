"""Old rows leave in batches; what is still wanted stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from push import tasks
from push.models import Delivery, GoneEndpoint, Notification, Subscription
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def ago(**length: float) -> object:
    return NOW - timedelta(**length)


def test_a_dead_subscription_leaves_after_a_day_and_its_history_stays(
    outbox: Outbox, phone: Phone
) -> None:
    delivery = outbox.delivery(phone, state=Delivery.State.GONE)
    subscriptions = Subscription.objects.filter(pk=phone.subscription.pk)
    subscriptions.update(state=Subscription.State.GONE, gone_at=ago(hours=23))
    tasks.prune_before(NOW)
    assert subscriptions.exists()
    subscriptions.update(gone_at=ago(hours=25))
    assert tasks.prune_before(NOW)["subscriptions"] == 1
    delivery.refresh_from_db()
    assert (delivery.subscription, delivery.device_name) == (None, "Phone")


def test_a_dead_endpoint_is_remembered_for_30_days() -> None:
    GoneEndpoint.objects.create(endpoint_hash="young", gone_at=ago(days=29))
    GoneEndpoint.objects.create(endpoint_hash="old", gone_at=ago(days=31))
    tasks.prune_before(NOW)
    assert [row.endpoint_hash for row in GoneEndpoint.objects.all()] == ["young"]


def test_history_leaves_after_180_days(outbox: Outbox, phone: Phone) -> None:
    for age in (179, 181):
        outbox.delivery(
            phone,
            about={"created_at": ago(days=age)},
            created_at=ago(days=age),
            state=Delivery.State.ACCEPTED,
        )
    counts = tasks.prune_before(NOW)
    assert (counts["deliveries"], counts["notifications"]) == (1, 1)
    assert Delivery.objects.count() == Notification.objects.count() == 1


def test_what_is_still_on_its_way_stays(outbox: Outbox, phone: Phone) -> None:
    outbox.delivery(phone, about={"created_at": ago(days=200)}, created_at=ago(days=200))
    tasks.prune_before(NOW)
    assert Delivery.objects.count() == Notification.objects.count() == 1


def test_batches_delete_everything(
    outbox: Outbox, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    for number in range(5):
        GoneEndpoint.objects.create(endpoint_hash=str(number), gone_at=ago(days=31))
    assert tasks.prune_before(NOW)["gone_endpoints"] == 5
    assert not GoneEndpoint.objects.exists()


def test_the_schedule_names_it() -> None:
    assert set(tasks.prune.func()) == {
        "subscriptions",
        "gone_endpoints",
        "deliveries",
        "notifications",
    }
