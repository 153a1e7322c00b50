"""The whole pipeline, measured: due rows in PostgreSQL, the product's own push worker, a sink."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from benchmarks.installation import command
from benchmarks.processes import cpu_of, family, family_cpu, parent_of, peak_megabytes, pin
from benchmarks.subscribers import Browser

# What a server that must survive a power cut runs with; the fixture's has them off.
_DURABLE = ("fsync = on", "synchronous_commit = on", "full_page_writes = on")
_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL server under test; the benchmark's own connection is not part of it."""

    postmaster: int
    own_backend: int

    def cpu(self) -> float:
        """Seconds of CPU of all its processes but the one that serves the benchmark itself."""
        return family_cpu(self.postmaster) - cpu_of(self.own_backend)

    def pin(self, core: int, others: int) -> None:
        pin(family(self.postmaster), core)
        pin([self.own_backend], others)


def durable_server() -> Server:
    """Makes the server that Django is connected to durable, and finds its processes."""
    from django.db import connection

    with connection.cursor() as cursor:
        for setting in _DURABLE:
            cursor.execute(f"ALTER SYSTEM SET {setting}")
        cursor.execute("SELECT pg_reload_conf(), pg_backend_pid()")
        _reloaded, backend = cursor.fetchone()
    return Server(parent_of(backend), backend)


def subscribe(browsers: Sequence[Browser], url: str, count: int, first: int = 0) -> list[Any]:
    """``count`` people with push on, each in one browser at ``url``; keys of ``browsers`` in turn.

    They are numbered from ``first``.
    """
    from accounts.models import Device, User
    from push.delivery.endpoints import endpoint_hash, service_of
    from push.delivery.vapid import keyring
    from push.models import Preference, Subscription

    current = keyring().current
    assert current is not None
    service = service_of(f"{url}/push/0")
    subscriptions = []
    for start in range(first, first + count, _ROWS):
        numbers = range(start, min(first + count, start + _ROWS))
        people = User.objects.bulk_create(
            User(email=f"{number}@{service.replace(':', '.')}.example", name=f"Person {number}")
            for number in numbers
        )
        Preference.objects.bulk_create(Preference(user=each, push_enabled=True) for each in people)
        devices = Device.objects.bulk_create(
            Device(user=each, name="Phone", secret_hash=f"{each.pk:064}", push_wanted=True)
            for each in people
        )
        rows = []
        for number, device in zip(numbers, devices, strict=True):
            browser = browsers[number % len(browsers)]
            endpoint = f"{url}/push/{number}"
            rows.append(
                Subscription(
                    user_id=device.user_id, device=device, endpoint=endpoint, service=service,
                    endpoint_hash=endpoint_hash(endpoint), p256dh=browser.public,
                    auth=browser.auth, key_id=current.key_id,
                )
            )  # fmt: skip
        subscriptions += Subscription.objects.bulk_create(rows)
    return subscriptions


def enqueue(subscriptions: Sequence[Any]) -> None:
    """One due delivery to each subscription. Older notifications count as read, as people do read."""
    from django.db import connection
    from django.utils import timezone

    from push.delivery.wake import notify
    from push.models import Notification

    Notification.objects.filter(read_at=None).update(read_at=timezone.now())
    key = str(time.time_ns())
    for start in range(0, len(subscriptions), _ROWS):
        _write(subscriptions[start : start + _ROWS], key, timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    notify()


def forget(subscriptions: Sequence[Any]) -> None:
    """Takes what waits for the service of these out of the queue."""
    from push.models import Delivery

    Delivery.objects.filter(service=subscriptions[0].service, state__in=Delivery.OPEN).delete()


@contextmanager
def workers(count: int, cores: Sequence[int]) -> Iterator[list[int]]:
    """The product's own push workers, each on one of ``cores`` in turn; their process ids.

    They stand still until ``drain`` lets them go.
    """
    with ExitStack() as stack:
        started = [stack.enter_context(command("push_worker")) for _each in range(count)]
        # A stopped process hears SIGTERM only when it goes on.
        for each in started:
            stack.callback(each.send_signal, signal.SIGCONT)
        for number, each in enumerate(started):
            pin([each.pid], cores[number % len(cores)])
        time.sleep(1)  # connected, and at rest
        for each in started:
            each.send_signal(signal.SIGSTOP)
        yield [each.pid for each in started]


def drain(server: Server, pids: Sequence[int], service: str) -> dict[str, float]:
    """Lets workers loose on what ``enqueue`` wrote; a round as the senders give it, CPU also by part.

    Seconds are from the start to the last answer of ``service``.
    """
    from push.models import Delivery

    waiting = Delivery.objects.filter(service=service, state__in=Delivery.OPEN)
    first = waiting.order_by("pk").values_list("pk", flat=True)[0]
    before = [*map(cpu_of, pids)], server.cpu()
    started = time.time()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    while waiting.exists():
        time.sleep(0.1)
    worker_cpu = sum(map(cpu_of, pids)) - sum(before[0])
    database_cpu = server.cpu() - before[1]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    rows = Delivery.objects.filter(pk__gte=first, service=service)
    return {
        **_outcome(rows, started),
        "cpu": worker_cpu + database_cpu,
        "worker_cpu": worker_cpu,
        "database_cpu": database_cpu,
        "peak_mb": max(map(peak_megabytes, pids)),
    }


def _outcome(rows: Any, started: float) -> dict[str, float]:
    from django.db.models import Max

    from push.models import Delivery

    accepted = rows.filter(state=Delivery.State.ACCEPTED)
    taken = sorted(accepted.values_list("accepted_ms", flat=True))
    if len(taken) != rows.count():
        raise SystemExit(f"{rows.count() - len(taken)} deliveries were not accepted.")
    last = accepted.aggregate(last=Max("accepted_at"))["last"]
    return {
        "messages": len(taken),
        "seconds": last.timestamp() - started,
        "p50": taken[len(taken) // 2],
        "p99": taken[int(len(taken) * 0.99)],
    }


def _write(subscriptions: Sequence[Any], key: str, at: Any) -> None:
    from push.models import Delivery, Notification

    notifications = Notification.objects.bulk_create(
        Notification(
            user_id=each.user_id, kind="tickets.replied", event_key=f"tickets.replied:{key}",
            title="Olga answered TKT-012", body="The printer is out of the fire. " * 3,
            url="/Support/TKT-012",
        )
        for each in subscriptions
    )  # fmt: skip
    Delivery.objects.bulk_create(
        Delivery(
            notification=notification, subscription=each, user_id=each.user_id,
            service=each.service, device_public_id=each.device.public_id, device_name="Phone",
            kind="tickets.replied", due_at=at, expires_at=at + timedelta(days=3),
        )
        for notification, each in zip(notifications, subscriptions, strict=True)
    )  # fmt: skip
