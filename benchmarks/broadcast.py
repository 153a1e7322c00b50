"""An announcement to everybody, by the product's own processes on PostgreSQL, to a TLS sink.

    python -m benchmarks.broadcast [--subscriptions 1000000] [--json]

First to 1,000 people, five times, then once to all. CPU per message is the push worker's and that of all of
PostgreSQL, so the writing of the rows is in it; memory is that of both workers, idle and at its largest.
"""

import argparse
import json
import os
import time
from contextlib import ExitStack
from typing import Any

from benchmarks import sinks
from benchmarks.crowd import add_people, keep_keys, tidy
from benchmarks.installation import product
from benchmarks.pipeline import durable_server
from benchmarks.processes import median
from benchmarks.subscribers import browsers
from benchmarks.usage import Usage, named_command

FEW = 1000
ROUNDS = 5
KEYS = 5000
GOALS = {"idle_mb": 110.0, "growth_mb": 40.0, "ratio": 1.2}
LOOK_EVERY = 0.25  # seconds


def measure(subscriptions: int) -> dict[str, Any]:
    """Figures for few and for all; and the memory of both workers."""
    with ExitStack() as stack:
        sink = stack.enter_context(sinks.running())
        os.environ |= sink.certificates.environment
        stack.enter_context(product(postgresql=True, services=[sink.host]))
        durable_server()
        keep_keys(browsers(KEYS))
        add_people(FEW, sink.url)
        workers = {
            "ox_worker": stack.enter_context(named_command("ox_worker", "--interval", "0.25")),
            "push_worker": stack.enter_context(named_command("push_worker")),
        }
        usage = Usage(workers)
        time.sleep(3)  # connected, and at rest
        usage.look()
        idle = dict(usage.peak)
        announce(usage)  # opens connections and signs the header
        tidy()
        few = [announce(usage) for _round in range(ROUNDS)]
        started = time.monotonic()
        add_people(subscriptions, sink.url)
        made = time.monotonic() - started
        everybody = announce(usage)
        return {
            "few": {name: median(few, name) for name in few[0]},
            "all": everybody,
            "ratio": everybody["cpu_us"] / median(few, "cpu_us"),
            "idle_mb": idle,
            "peak_mb": {name: everybody[f"{name}_mb"] for name in workers},
            "seconds_to_make_people": made,
        }


def announce(usage: Usage) -> dict[str, float]:
    """One announcement from its publication to the last answer."""
    from push.models import Delivery
    from push.models.notification import new_public_id
    from push.notices import announcements

    usage.restart()
    announcement, _is_new = announcements.publish(
        public_id=new_public_id(),
        title="New opening hours from Monday on",
        body="We open at nine and close at six, on Saturdays at two. " * 3,
        url="/Notifications",
    )
    pending = Delivery.objects.filter(state=Delivery.State.PENDING)
    sending = Delivery.objects.filter(state=Delivery.State.SENDING)
    while announcement.state != "done" or pending.exists() or sending.exists():
        time.sleep(LOOK_EVERY)
        usage.look()
        announcement.refresh_from_db()
    return _figures(announcement, usage)


def _figures(announcement: Any, usage: Usage) -> dict[str, float]:
    from django.db.models import Count, Max

    from push.models import Delivery

    cpu = usage.cpu()
    rows = Delivery.objects.filter(notification__announcement=announcement)
    accepted = rows.filter(state=Delivery.State.ACCEPTED).aggregate(
        count=Count("pk"), last=Max("accepted_at")
    )
    count = accepted["count"]
    if count != announcement.people:
        raise SystemExit(f"{count} of {announcement.people} pushes were accepted.")
    seconds = (accepted["last"] - announcement.started_at).total_seconds()
    expanding = (announcement.finished_at - announcement.started_at).total_seconds()
    parts = {f"{name.replace(' ', '_')}_us": total / count * 1e6 for name, total in cpu.items()}
    sent = parts["push_worker_us"] + sum(us for name, us in parts.items() if "database" in name)
    return {
        "messages": count,
        "seconds": seconds,
        "messages_per_second": count / seconds,
        "people_per_second": count / max(expanding, 0.001),
        "expansion_us": parts["ox_worker_us"] + parts.get("ox_worker_database_us", 0.0),
        "sending_us": parts["push_worker_us"] + parts["push_worker_database_us"],
        "cpu_us": sent,
        **parts,
        **{f"{name}_mb": peak for name, peak in usage.peak.items()},
    }


def show(found: dict[str, Any]) -> None:
    few, everybody = found["few"], found["all"]
    print(f"{'':34}{few['messages']:>12,.0f}{everybody['messages']:>12,.0f}")
    for name, label in (
        ("seconds", "seconds to the last answer"),
        ("messages_per_second", "messages/s"),
        ("people_per_second", "people told/s"),
        ("expansion_us", "CPU to tell a person, us"),
        ("ox_worker_us", "  ox_worker"),
        ("ox_worker_database_us", "  its PostgreSQL"),
        ("sending_us", "CPU to send a message, us"),
        ("push_worker_us", "  push_worker"),
        ("push_worker_database_us", "  its PostgreSQL"),
        ("database_us", "rest of PostgreSQL, us"),
        ("cpu_us", "push_worker + all PostgreSQL, us"),
    ):
        print(f"{label:34}{few.get(name, 0):12,.1f}{everybody.get(name, 0):12,.1f}")
    print(f"all / few: {found['ratio']:.2f}   goal {GOALS['ratio']}")
    for name, idle in found["idle_mb"].items():
        growth = found["peak_mb"][name] - idle
        print(
            f"{name}: {idle:.0f} MB idle, {growth:+.0f} MB at most   "
            f"goals {GOALS['idle_mb']:.0f} and {GOALS['growth_mb']:+.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--subscriptions", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.subscriptions)
    print(json.dumps(found)) if options.json else show(found)


if __name__ == "__main__":
    main()
