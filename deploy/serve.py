"""Runs the processes of the Procfile, or of another file given, under one foreground command.

The command stops all of them on Ctrl-C, SIGTERM and a closed terminal. When one ends by itself the
others are stopped too, its last lines are said again, and the exit code is not 0.
"""

import os
import signal
import socket
import sys
from collections import defaultdict, deque
from pathlib import Path
from typing import TextIO

import environ
import honcho.manager
import honcho.printer
from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parent.parent
LAST_LINES = 15
WEB_ANSWERS = "Uvicorn running on"


class Printer(honcho.printer.Printer):  # type: ignore[misc] # honcho has no types
    """Passes lines on, keeps each process's last ones, and greets once the web process answers."""

    def __init__(self, greeting: str) -> None:
        super().__init__(sys.stdout)
        self.output: TextIO = sys.stdout
        self.greeting = greeting
        self.last_lines: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LAST_LINES))

    def write(self, message: honcho.printer.Message) -> None:
        text = (
            message.data.decode(errors="replace")
            if isinstance(message.data, bytes)
            else message.data
        )
        self.last_lines[message.name].append(text.rstrip())
        try:
            super().write(message)
            if message.name == "web" and WEB_ANSWERS in text:
                print(self.greeting, file=self.output, flush=True)
        except OSError:  # nobody reads any more: the terminal is gone
            self.output = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the command runs
            os.kill(os.getpid(), signal.SIGTERM)


class Processes(honcho.manager.Manager):  # type: ignore[misc]
    """honcho's manager; knows which process ended first, and can be stopped while starting."""

    ended_first: tuple[str, ...] = ()
    stop_when_started = False

    def terminate(self) -> None:
        if not self._all_started():
            self.stop_when_started = True
            return
        if not self._terminating:
            self.ended_first = tuple(
                name for name, process in self._processes.items() if "returncode" in process
            )
        super().terminate()

    def _system_print(self, data: str) -> None:
        super()._system_print(data)
        if self.stop_when_started and self._all_started():
            self.stop_when_started = False
            self.terminate()

    def exit_code_of(self, name: str) -> int:
        """As the process left it; a negative number is the signal that ended it."""
        return int(self._processes[name]["returncode"])


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def greeting(port: int) -> str:
    address = os.environ.get("SITE_URL") or f"http://localhost:{port}"
    return (
        f"\nFastLinkIt answers at {address}\n"
        "Make the first user in a second terminal: .venv/bin/python manage.py createsuperuser\n"
        "Ctrl-C stops everything.\n"
    )


def manner_of_ending(exit_code: int) -> str:
    if exit_code < 0:
        return f"was ended by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"


def run(port: int, procfile: Path) -> int:
    """Runs until a signal comes or a process ends, and returns this command's exit code."""
    printer = Printer(greeting(port))
    processes = Processes(printer)
    environment = os.environ | {
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    for name, command in parse_procfile(procfile.read_text(encoding="utf-8")).processes.items():
        processes.add_process(name, command, env=environment, cwd=str(ROOT))
    try:
        processes.loop()
    finally:
        processes.kill()
    for name in processes.ended_first:
        print(
            f"\n{name} {manner_of_ending(processes.exit_code_of(name))}; the others were stopped."
        )
        print(
            "Its last lines:",
            *printer.last_lines[name],
            sep="\n  ",
            file=printer.output,
            flush=True,
        )
    return abs(int(processes.returncode or 1))


def main() -> int:
    environ.Env.read_env(Path(os.environ.get("DATA_DIR") or ROOT / "var") / ".env", overwrite=False)
    try:
        port = int(os.environ.get("PORT") or 8000)
    except ValueError:
        print(f"PORT is “{os.environ['PORT']}”; it has to be a number.", file=sys.stderr)
        return 2
    if not port_is_free(port):
        print(
            f"Port {port} is in use by another program. Stop that one, or choose another port:"
            f" make serve PORT={port + 1}",
            file=sys.stderr,
        )
        return 2
    signal.signal(signal.SIGHUP, lambda _signal, _frame: os.kill(os.getpid(), signal.SIGTERM))
    return run(port, Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Procfile")


if __name__ == "__main__":
    sys.exit(main())
