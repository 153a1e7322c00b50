"""From the commit of an event in one process to the POST at a push service, on an idle machine.

    python -m benchmarks.latency [--postgresql] [--events 200] [--under-broadcast] [--json]

Milliseconds from just before COMMIT in this process (so that the disk's time is in it) to the last byte
of the request at the stand-in; one event at a time, with pauses of random length.

``--under-broadcast``: while an announcement to 50,000 browsers at the same push service goes out (TLS, HTTP/2,
50 ms away), as the worker notes it; ``answer`` is until it has read the answer, those 50 ms among it.
"""

import argparse
import json
import os
import random
import statistics
import time
from typing import Any

from benchmarks import sinks
from benchmarks.installation import command, installation, product, subscribed_person
from benchmarks.pipeline import subscribe
from benchmarks.subscribers import browsers

GOALS = {"sqlite": {"p50": 30.0, "p99": 80.0}, "postgresql": {"p50": 8.0, "p99": 25.0}}
UNDER_BROADCAST = {"p50": 100.0, "p99": 500.0}
ROWS = 50_000
AWAY = 0.05  # seconds
KEYS = 1000


def measure(events: int, *, postgresql: bool) -> list[float]:
    """The latency of each event in milliseconds."""
    with installation(postgresql=postgresql) as service:
        from django.db import transaction

        from drops.models import Drop

        person = subscribed_person(service)
        latencies = []
        with command("push_worker"):
            for number in range(events + 5):
                time.sleep(random.uniform(0.05, 0.15))
                service.clear()
                with transaction.atomic():
                    Drop.send(sender=person, recipient=person, text="text", device=None)
                    committed = time.monotonic()
                (post,) = service.wait_for_posts(1, timeout=30)
                if number >= 5:  # the first ones open connections and sign the header
                    latencies.append((post.at - committed) * 1000)
        return latencies


def measure_under_broadcast(events: int, *, postgresql: bool) -> tuple[list[float], list[float]]:
    """The same while a broadcast drains, and until the answer; fewer events when that ends before."""
    with sinks.running(delay=AWAY) as sink:
        os.environ |= sink.certificates.environment
        with product(postgresql=postgresql, services=[sink.host]):
            people = subscribe(browsers(KEYS), sink.url, ROWS)
            _announce()
            with command("push_worker"):
                commits = _send_drops(people[0].user, events)
                return _until_heard(commits)


def _announce() -> None:
    from push.models.notification import new_public_id
    from push.notices import announcements

    announcement, _is_new = announcements.publish(
        public_id=new_public_id(), title="News", body="For everybody. " * 10, url="/Notifications"
    )
    while announcements.expand(announcement):
        pass


def _send_drops(person: Any, events: int) -> list[float]:
    """The times of their commits, as long as the broadcast goes on."""
    from django.db import transaction

    from drops.models import Drop
    from push.models import Delivery

    waiting = Delivery.objects.filter(state=Delivery.State.PENDING)
    accepted = Delivery.objects.filter(state=Delivery.State.ACCEPTED)
    while not accepted.exists():
        time.sleep(0.1)
    commits: list[float] = []
    while len(commits) < events and waiting.exists():
        time.sleep(random.uniform(0.05, 0.15))
        with transaction.atomic():
            Drop.send(sender=person, recipient=person, text="text", device=None)
            committed = time.time()
        commits.append(committed)
    return commits


def _until_heard(commits: list[float]) -> tuple[list[float], list[float]]:
    from push.models import Delivery

    drops = Delivery.objects.filter(kind="drops.received").order_by("pk")
    until = time.monotonic() + 120
    while drops.filter(accepted_at=None).exists() and time.monotonic() < until:
        time.sleep(0.1)
    sent, answered = [], []
    for committed, drop in zip(commits, drops, strict=True):
        assert drop.sent_at is not None
        assert drop.accepted_at is not None
        sent.append((drop.sent_at.timestamp() - committed) * 1000)
        answered.append((drop.accepted_at.timestamp() - committed) * 1000)
    return sent, answered


def percentiles(latencies: list[float]) -> dict[str, float]:
    """The median, what one in a hundred exceeds, and the longest."""
    latencies = sorted(latencies)
    return {
        "p50": statistics.median(latencies),
        "p99": latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))],
        "worst": latencies[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own")
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--under-broadcast", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    database = "postgresql" if options.postgresql else "sqlite"
    if options.under_broadcast:
        sent, answered = measure_under_broadcast(options.events, postgresql=options.postgresql)
        found = {
            **percentiles(sent),
            **{f"answer {name}": value for name, value in percentiles(answered).items()},
        }
        goal = UNDER_BROADCAST
    else:
        sent = measure(options.events, postgresql=options.postgresql)
        found, goal = percentiles(sent), GOALS[database]
    if options.json:
        print(json.dumps({database: found}))
        return
    print(f"{database}, {len(sent)} events, milliseconds from commit to POST")
    for name, value in found.items():
        print(f"  {name:12} {value:6.1f}" + (f"   goal {goal[name]:.0f}" if name in goal else ""))


if __name__ == "__main__":
    main()
