"""Runs the processes of the Procfile, or of another file given, under one foreground command.

The command stops all of them on Ctrl-C, SIGTERM and a closed terminal. When one ends by itself the
others are stopped too, its last lines are said again, and the exit code is not 0.
"""

import os
import secrets
import signal
import socket
import sys
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import environ
import honcho.manager
import honcho.printer
from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parent.parent
LAST_LINES = 15
WEB_ANSWERS = "Uvicorn running on"
# The push worker hears out for 10 seconds what is on its way, and gives back the rest.
honcho.manager.KILL_WAIT = 12
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


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


def demo_is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether a pretend Stripe runs beside the others: there is no key, and nobody from outside comes here."""
    has_key = environment.get("STRIPE_SECRET_KEY") or environment.get("STRIPE_SECRET_KEY_FILE")
    host = urlsplit(environment.get("SITE_URL") or "http://localhost").hostname
    return not has_key and host in LOOPBACK and (ROOT / "tests" / "fake_stripe").is_dir()


def demo_settings(data_dir: Path, port: int) -> dict[str, str]:
    """The demo's variables. Its secrets are made once; it listens on the first free port after ``port``."""
    path = data_dir / "demo-stripe.env"
    if not path.exists():
        lines = (
            f"STRIPE_SECRET_KEY=sk_test_demo_{secrets.token_hex(16)}\n"
            f"STRIPE_WEBHOOK_SECRET=whsec_{secrets.token_hex(16)}\n"
        )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(lines)
    given = dict(line.split("=", 1) for line in path.read_text().split())
    demo_port = next(number for number in range(port + 1, port + 100) if port_is_free(number))
    return given | {"STRIPE_API_BASE": f"http://localhost:{demo_port}"}


def demo_command(settings: Mapping[str, str], port: int) -> str:
    """Reads its secrets from the environment: command lines can be seen by others."""
    demo_port = urlsplit(settings["STRIPE_API_BASE"]).port
    webhook = f"http://127.0.0.1:{port}/webhooks/stripe"
    return f"exec python -m tests.fake_stripe --port {demo_port} --webhook {webhook}"


def greeting(port: int, *, is_demo: bool) -> str:
    address = os.environ.get("SITE_URL") or f"http://localhost:{port}"
    demo = "Payments are a demo, without real money, until STRIPE_SECRET_KEY is set.\n"
    return (
        f"\nFastLinkIt answers at {address}\n"
        "Make the first user in a second terminal: .venv/bin/python manage.py createsuperuser\n"
        f"{demo if is_demo else ''}"
        "Ctrl-C stops everything.\n"
    )


def manner_of_ending(exit_code: int) -> str:
    if exit_code < 0:
        return f"was ended by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"


def run(port: int, procfile: Path, demo: Mapping[str, str]) -> int:
    """Runs until a signal comes or a process ends, and returns this command's exit code."""
    printer = Printer(greeting(port, is_demo=bool(demo)))
    processes = Processes(printer)
    environment = {
        **os.environ,
        **demo,
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    commands = dict(parse_procfile(procfile.read_text(encoding="utf-8")).processes)
    if demo:
        commands["stripe"] = demo_command(demo, port)
    for name, command in commands.items():
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
    data_dir = Path(os.environ.get("DATA_DIR") or ROOT / "var")
    environ.Env.read_env(data_dir / ".env", overwrite=False)
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
    if len(sys.argv) > 1:
        return run(port, Path(sys.argv[1]), {})
    demo = demo_settings(data_dir, port) if demo_is_wanted(os.environ) else {}
    return run(port, ROOT / "Procfile", demo)


if __name__ == "__main__":
    sys.exit(main())
