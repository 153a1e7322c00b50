"""Old rows leave in batches; what is still wanted stays."""

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from push import pruning, tasks
from push.models import Delivery, GoneEndpoint, Notification, Subscription
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def prune(days: int | None = None, **how: bool) -> dict[str, int]:
    return pruning.prune(pruning.limits(NOW, days), **how)


def command(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue().splitlines()


def sent(outbox: Outbox, phone: Phone, days: float, state: str = "accepted") -> Delivery:
    """A delivery and its notification of so many days ago."""
    at = ago(days=days)
    return outbox.delivery(phone, about={"created_at": at}, created_at=at, state=state)


def test_a_dead_subscription_leaves_after_a_day_and_its_history_stays(
    outbox: Outbox, phone: Phone
) -> None:
    delivery = outbox.delivery(phone, state=Delivery.State.GONE)
    subscriptions = Subscription.objects.filter(pk=phone.subscription.pk)
    subscriptions.update(state=Subscription.State.GONE, gone_at=ago(hours=23))
    prune()
    assert subscriptions.exists()
    subscriptions.update(gone_at=ago(hours=25))
    assert prune()["subscriptions"] == 1
    delivery.refresh_from_db()
    assert (delivery.subscription, delivery.device_name) == (None, "Phone")


def test_a_dead_endpoint_is_remembered_for_30_days() -> None:
    GoneEndpoint.objects.create(endpoint_hash="young", gone_at=ago(days=29))
    GoneEndpoint.objects.create(endpoint_hash="old", gone_at=ago(days=31))
    prune()
    assert [row.endpoint_hash for row in GoneEndpoint.objects.all()] == ["young"]


def test_deliveries_leave_after_90_days_and_the_bell_after_180(
    outbox: Outbox, phone: Phone
) -> None:
    for days in (181, 179, 91, 89):
        sent(outbox, phone, days)
    counts = prune()
    assert (counts["deliveries"], counts["notifications"]) == (3, 1)
    assert Delivery.objects.get().created_at == ago(days=89)
    assert Notification.objects.count() == 3


def test_the_settings_say_how_long(outbox: Outbox, phone: Phone, settings: Any) -> None:
    settings.PUSH_KEEP_DAYS, settings.PUSH_KEEP_NOTIFICATION_DAYS = 10, 20
    for days in (21, 11, 9):
        sent(outbox, phone, days)
    counts = prune()
    assert (counts["deliveries"], counts["notifications"]) == (2, 1)


@pytest.mark.parametrize("state", Delivery.OPEN)
def test_what_is_still_on_its_way_stays(outbox: Outbox, phone: Phone, state: str) -> None:
    sent(outbox, phone, 200, state)
    prune()
    assert Delivery.objects.count() == Notification.objects.count() == 1


def test_a_notification_stays_while_one_of_its_deliveries_does(
    outbox: Outbox, phone: Phone, colleague: User
) -> None:
    late = outbox.phone(colleague)
    old = sent(outbox, phone, 200)
    outbox.delivery(late, notification=old.notification, state="pending", created_at=ago(days=200))
    counts = prune()
    assert (counts["deliveries"], counts["notifications"]) == (1, 0)


def test_a_notification_without_deliveries_leaves_as_well(outbox: Outbox, owner: User) -> None:
    outbox.notification(owner, created_at=ago(days=181))
    assert prune()["notifications"] == 1


def test_batches_delete_everything(
    outbox: Outbox, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    for number in range(5):
        GoneEndpoint.objects.create(endpoint_hash=str(number), gone_at=ago(days=31))
        sent(outbox, phone, 181)
    sent(outbox, phone, 200, "pending")
    counts = prune()
    assert [counts[kind] for kind in ("gone endpoints", "deliveries", "notifications")] == [5, 5, 5]
    assert not GoneEndpoint.objects.exists()
    assert Delivery.objects.count() == Notification.objects.count() == 1


def test_it_reads_no_further_than_the_first_batch_with_nothing_old(
    outbox: Outbox, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 5)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            prune()
        return len(queries)

    for _row in range(5):
        sent(outbox, phone, 1)
    few = statements()
    for _row in range(50):
        sent(outbox, phone, 1)
    assert statements() == few


def test_a_batch_takes_the_same_statements_whatever_is_in_it(
    outbox: Outbox, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements(rows: int) -> int:
        for _row in range(rows):
            sent(outbox, phone, 181)
        monkeypatch.setattr(pruning, "BATCH", rows)
        with CaptureQueriesContext(connection) as queries:
            prune()
        return len(queries)

    assert statements(2) == statements(40)


def test_a_batch_is_found_by_the_primary_key(outbox: Outbox, phone: Phone) -> None:
    """Read as the database would with many rows."""
    sent(outbox, phone, 181)
    with CaptureQueriesContext(connection) as queries:
        prune(dry_run=True)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        for name in ("push_delivery", "push_notification"):
            told = [q["sql"] for q in queries if f'"{name}"."id" >' in q["sql"]]
            assert len(told) >= 2
            for sql in told:
                explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
                cursor.execute(f"{explain} {sql}")
                plan = "\n".join(str(row) for row in cursor.fetchall())
                assert f"{name}_pkey" in plan or "INTEGER PRIMARY KEY (rowid>?" in plan, plan
                assert "deliveries_by_age" not in plan


def test_nothing_hangs_on_pruned_rows_that_prune_does_not_know() -> None:
    def hangers(model: type[Any]) -> set[type[Any]]:
        return {relation.related_model for relation in model._meta.related_objects}

    assert hangers(Notification) == hangers(Subscription) == {Delivery}
    assert hangers(Delivery) == hangers(GoneEndpoint) == set()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_it_passes_over_what_another_prune_has_in_hand(outbox: Outbox, phone: Phone) -> None:
    taken, free = sent(outbox, phone, 181), sent(outbox, phone, 181)
    other = connections.create_connection("default")
    try:
        with transaction.atomic():
            other.set_autocommit(False)
            with other.cursor() as cursor:
                cursor.execute("SELECT 1 FROM push_delivery WHERE id = %s FOR UPDATE", [taken.pk])
            assert prune()["deliveries"] == 1
    finally:
        other.close()
    assert not Delivery.objects.filter(pk=free.pk).exists()
    assert prune()["deliveries"] == 1


def test_the_schedule_runs_it(outbox: Outbox, phone: Phone, settings: Any) -> None:
    sent(outbox, phone, 181)
    schedules = settings.TASKS["default"]["OPTIONS"]["SCHEDULES"]
    assert schedules["push-prune"]["task"] == tasks.prune.module_path
    assert tasks.prune.func() == {
        "subscriptions": 0,
        "gone endpoints": 0,
        "deliveries": 1,
        "notifications": 1,
    }


def test_the_command_says_what_it_deleted(outbox: Outbox, phone: Phone) -> None:
    for days in (200, 40, 20):
        sent(outbox, phone, days)
    assert command("--older-than", "30") == [
        "subscriptions: 0",
        "gone endpoints: 0",
        "deliveries: 2",
        "notifications: 2",
        "4 rows were deleted.",
    ]
    assert Delivery.objects.count() == 1
    assert command()[-1] == "0 rows were deleted."


def test_a_dry_run_counts_what_would_leave_and_deletes_nothing(
    outbox: Outbox, phone: Phone
) -> None:
    GoneEndpoint.objects.create(endpoint_hash="old", gone_at=ago(days=31))
    for days in (200, 100, 20):
        sent(outbox, phone, days)
    sent(outbox, phone, 200, "pending")
    said = command("--dry-run")
    assert said[-1] == "4 rows would be deleted; nothing was."
    assert (Delivery.objects.count(), Notification.objects.count()) == (4, 4)
    assert command()[:-1] == said[:-1]


@pytest.mark.parametrize("days", ["0", "-1", "ten", "1.5", "٣", "36501"])
def test_the_command_takes_whole_days_alone(days: str) -> None:
    with pytest.raises(CommandError, match="is not a number of days from 1 to 36500"):
        command(f"--older-than={days}")
