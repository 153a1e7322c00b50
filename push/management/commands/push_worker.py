"""``manage.py push_worker``."""

import gc
import signal
from typing import Any

from django.core.checks import Tags
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.backends.signals import connection_created

from push.delivery.statements import keep_plans
from push.delivery.vapid import keyring
from push.delivery.wake import Bell
from push.delivery.worker import Worker
from push.startup import verify_instance

WOKEN_BY = {"postgresql": "LISTEN", "sqlite": "PRAGMA data_version"}


class Command(BaseCommand):
    help = (
        "Sends what waits in the outbox to the push services. Run as many as you like, on as many "
        "machines as share the database and the .env: each row is leased to one of them, and a row "
        "whose worker dies is taken up again after 60 seconds. A commit wakes it. SIGTERM or Ctrl-C "
        "finishes what is in flight within 10 seconds and gives back the rest; a second one ends at "
        "once. It waits for a database that is away, and refuses to start with other keys than the "
        "database was used with."
    )
    # Among them those of the keys; the others are about pages, which a worker never loads.
    requires_system_checks = [Tags.security]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--until-empty", action="store_true", help="End when nothing is due any more."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verify_instance()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        connection.close()  # The next one, and each after a restart of the server, keeps its plans.
        connection_created.connect(keep_plans, dispatch_uid="push_worker")
        bell = Bell()
        worker = Worker(bell)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: worker.stop())
        # Any signal also rings the bell, so that it ends a wait.
        signal.set_wakeup_fd(bell.write_fd, warn_on_full_buffer=False)
        self._say(
            f"push_worker {worker.owner} sends what waits in the outbox, woken by "
            f"{WOKEN_BY[connection.vendor]}."
        )
        if keyring().current is None:
            self._say("There is no VAPID key pair: “manage.py vapid_keys” makes one.")
        gc.collect()
        gc.freeze()  # What was imported stays: no collection need look at it again.
        worker.run(until_empty=options["until_empty"])
        counts = ", ".join(f"{count} {name}" for name, count in sorted(worker.outcomes.items()))
        self._say(f"push_worker stopped: {counts or 'nothing was sent'}.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
