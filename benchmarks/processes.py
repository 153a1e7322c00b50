"""Senders as processes on one core, asked for one round after another; what processes have used."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.installation import ROOT

TICK = os.sysconf("SC_CLK_TCK")


class FailedError(Exception):
    """A sender ended or never started; the text says what it said."""


class Sender:
    """One sender's process."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], core: int) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.sched_setaffinity(self._process.pid, {core})

    def round(self, messages: int) -> dict[str, float]:
        """Sends that many messages and says what it took. Raises ``FailedError``."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            print(messages, file=process.stdin, flush=True)
        except BrokenPipeError:
            pass
        line = process.stdout.readline()
        if not line:
            said = process.stderr.read().strip().splitlines()
            raise FailedError(said[-1] if said else "it ended without a word")
        # What a process says of itself (ru_maxrss) begins with what its parent had when it was started.
        return {**json.loads(line), "peak_mb": peak_megabytes(process.pid)}

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def sender(command: Sequence[str], environment: dict[str, str], core: int) -> Iterator[Sender]:
    """Runs a sender while the block lasts."""
    process = Sender(command, environment, core)
    try:
        yield process
    finally:
        process.close()


def cores() -> tuple[int, int]:
    """One core for who is measured and one for the sink; on a machine with one, the same."""
    own = sorted(os.sched_getaffinity(0))
    return own[0], own[-1]


def pin(processes: Sequence[int], core: int | Sequence[int]) -> None:
    """Keeps processes on a core, or on some."""
    for pid in processes:
        os.sched_setaffinity(pid, {core} if isinstance(core, int) else set(core))


def cpu_of(pid: int) -> float:
    """Seconds of CPU of a process with all its threads (``/proc/PID/task/*/schedstat``)."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except FileNotFoundError:  # it has ended
            continue
    return total / 1e9


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def family_cpu(pid: int) -> float:
    """Seconds of CPU of a process, its children, and those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended = (int(fields[13]) + int(fields[14])) / TICK
    living = 0.0
    for member in family(pid):
        try:
            living += cpu_of(member)
        except FileNotFoundError:
            continue
    return living + ended


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has had resident."""
    return _status(pid, "VmHWM") / 1024


def parent_of(pid: int) -> int:
    return _status(pid, "PPid")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _colon, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise KeyError(name)


def median(rounds: Sequence[dict[str, Any]], name: str) -> float:
    """The middle of one figure over the rounds; of an even number the lower one."""
    return float(sorted(each[name] for each in rounds)[(len(rounds) - 1) // 2])
