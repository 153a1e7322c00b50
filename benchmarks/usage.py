"""What the product's workers and their PostgreSQL use while something runs, looked at again and again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.idle import megabytes
from benchmarks.installation import command
from benchmarks.processes import cpu_of, family, parent_of


@contextmanager
def named_command(*arguments: str) -> Iterator[int]:
    """Runs one of the product's commands, which PostgreSQL knows by its name; its process id."""
    os.environ["PGAPPNAME"] = arguments[0]
    try:
        with command(*arguments) as process:
            yield process.pid
    finally:
        os.environ.pop("PGAPPNAME", None)


@dataclass
class Usage:
    """CPU in seconds by name since the last ``restart``, and memory in MB.

    ``push_worker database`` are the server's processes for that worker's connections; ``database`` the others
    (checkpoints, the log, vacuuming), but those that serve the benchmark itself.
    """

    workers: dict[str, int]
    peak: dict[str, float] = field(default_factory=dict)
    _seen: dict[int, float] = field(default_factory=dict)
    _name: dict[int, str] = field(default_factory=dict)
    _start: dict[str, float] = field(default_factory=dict)

    def look(self) -> None:
        """Call it more often than connections come and go."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid, application_name, pid = pg_backend_pid() FROM pg_stat_activity"
            )
            rows = cursor.fetchall()
        (own,) = [pid for pid, _name, is_own in rows if is_own]
        names = {pid: name for pid, name, _is_own in rows}
        for pid in family(parent_of(own)):
            if pid == own:
                continue
            asked_by = names.get(pid, "")
            name = f"{asked_by} database" if asked_by in self.workers else "database"
            self._record(pid, name)
        for name, pid in self.workers.items():
            self._record(pid, name)
            self.peak[name] = max(self.peak.get(name, 0.0), megabytes(pid))

    def restart(self) -> None:
        """From now on."""
        self.look()
        self._start, self.peak = self._totals(), {}
        self.look()

    def cpu(self) -> dict[str, float]:
        self.look()
        return {name: total - self._start.get(name, 0.0) for name, total in self._totals().items()}

    def _record(self, pid: int, name: str) -> None:
        try:
            self._seen[pid] = max(self._seen.get(pid, 0.0), cpu_of(pid))
        except FileNotFoundError:  # it has just ended
            return
        self._name.setdefault(pid, name)

    def _totals(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for pid, seconds in self._seen.items():
            name = self._name[pid]
            totals[name] = totals.get(name, 0.0) + seconds
        return totals
