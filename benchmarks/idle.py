"""What the workers cost while nothing happens: CPU in percent of one core, and memory.

python -m benchmarks.idle [--postgresql] [--seconds 30] [--json]
"""

import argparse
import json
import os
import time
from pathlib import Path

from benchmarks.installation import command, installation

GOAL = 2.0
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of /proc (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def megabytes(pid: int) -> float:
    """Resident memory."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in status if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def measure(seconds: float, *, postgresql: bool) -> dict[str, dict[str, float]]:
    with (
        installation(postgresql=postgresql),
        command("push_worker") as push,
        command("ox_worker", "--interval", "0.25") as tasks,
    ):
        time.sleep(5)  # the first look at everything
        workers = {"push_worker": push.pid, "ox_worker": tasks.pid}
        before = {name: cpu_seconds(pid) for name, pid in workers.items()}
        time.sleep(seconds)
        return {
            name: {
                "percent": (cpu_seconds(pid) - before[name]) / seconds * 100,
                "megabytes": megabytes(pid),
            }
            for name, pid in workers.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.seconds, postgresql=options.postgresql)
    if options.json:
        print(json.dumps(found))
        return
    for name, worker in found.items():
        print(f"{name:12} {worker['percent']:5.2f} % of a core {worker['megabytes']:6.0f} MB")
    total = sum(worker["percent"] for worker in found.values())
    print(f"{'together':12} {total:5.2f} %   goal {GOAL:.0f} %")


if __name__ == "__main__":
    main()
