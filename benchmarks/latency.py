"""From the commit of an event in one process to the POST at a push service, on an idle machine.

    python -m benchmarks.latency [--postgresql] [--events 200] [--json]

Milliseconds from just before COMMIT in this process (so that the disk's time is in it) to the last byte
of the request at the stand-in; one event at a time, with pauses of random length.
"""

import argparse
import json
import random
import statistics
import time

from benchmarks.installation import command, installation, subscribed_person

GOALS = {"sqlite": {"p50": 30.0, "p99": 80.0}, "postgresql": {"p50": 8.0, "p99": 25.0}}


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own")
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    database = "postgresql" if options.postgresql else "sqlite"
    latencies = sorted(measure(options.events, postgresql=options.postgresql))
    found = {
        "p50": statistics.median(latencies),
        "p99": latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))],
        "worst": latencies[-1],
    }
    if options.json:
        print(json.dumps({database: found}))
        return
    goal = GOALS[database]
    print(f"{database}, {len(latencies)} events, milliseconds from commit to POST")
    for name, value in found.items():
        print(f"  {name:5} {value:6.1f}" + (f"   goal {goal[name]:.0f}" if name in goal else ""))


if __name__ == "__main__":
    main()
