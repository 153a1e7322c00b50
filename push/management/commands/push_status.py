"""``manage.py push_status``: what waits, who has it in hand, and what is paused."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.timesince import timesince

from push.health import queue
from push.health.queue import Queue, Service, Worker

COLUMNS = "{:<{}} {:>8} {:>8} {:>8}  {}"
HEADING = "push service"


class Command(BaseCommand):
    help = (
        "Says what waits in the outbox at each push service, how much of it is due, what workers have in "
        "hand, and which services are paused, why and until when (UTC). Counts end at 1,000. A worker is "
        "named while it has something in hand. It reads the database alone, and is cheap."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object, for programs.")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        found = queue.look(now)
        if options["json"]:
            shape = asdict(found) | {"abandoned": found.is_abandoned(now)}
            self.stdout.write(json.dumps(shape, cls=DjangoJSONEncoder))
            return
        width = max([len(HEADING), *(len(service.service) for service in found.services)])
        if found.services:
            self.stdout.write(COLUMNS.format(HEADING, width, "waiting", "due", "in hand", "state"))
        for service in found.services:
            self.stdout.write(_service_line(service, width, now))
        for worker in found.workers:
            self.stdout.write(_worker_line(worker, now))
        self.stdout.write(_conclusion(found, now))


def _service_line(service: Service, width: int, now: datetime) -> str:
    return COLUMNS.format(
        service.service,
        width,
        queue.in_words(service.waiting),
        queue.in_words(service.due),
        f"{service.in_hand:,}",
        _state(service, now),
    )


def _state(service: Service, now: datetime) -> str:
    if service.breaker == "open" and service.paused_until:
        return f"paused until {service.paused_until:%Y-%m-%d %H:%M:%S}: {service.why()}"
    if service.breaker == "half open":
        return f"a few rows try whether it works again: {service.why()}"
    if service.due and service.due_since:
        return f"the first has been due for {_ago(service.due_since, now)}"
    return "works"


def _worker_line(worker: Worker, now: datetime) -> str:
    return (
        f"worker {worker.name}: {worker.in_hand:,} in hand, alive {_ago(worker.seen_at, now)} ago"
    )


def _ago(at: datetime, now: datetime) -> str:
    seconds = max(0, int((now - at).total_seconds()))
    return f"{seconds} s" if seconds < 120 else timesince(at, now, depth=1)


def _conclusion(found: Queue, now: datetime) -> str:
    waiting = sum(service.waiting for service in found.services)
    paused = [service.service for service in found.services if service.breaker == "open"]
    if found.is_abandoned(now):
        return "Rows are due and nobody takes them: push_worker is not running."
    if paused:
        return f"Paused: {', '.join(paused)}; what waits there goes out by itself."
    if not waiting and not found.in_hand():
        return "Nothing waits."
    return "Rows are on their way."
