"""The commands a person types: they start from nothing, stop everything, and say what is wrong in words."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from push.models import InstanceKey
from tests.fixtures.postgresql import free_port

ROOT = Path(__file__).resolve().parent.parent
GREETING = "FastLinkIt answers at"
OWN_VARIABLES = re.compile(
    r"(SECRET_KEY|WEBPUSH_|DATABASE_URL|DATA_DIR|SITE_URL|PORT|DJANGO_|MAKE)"
)

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a person who has set nothing, with a data folder of the test's own."""
    inherited = {k: v for k, v in os.environ.items() if not OWN_VARIABLES.match(k)}
    return inherited | {"DATA_DIR": str(tmp_path / "var"), "PORT": str(free_port())}


@pytest.fixture
def run(environment: dict[str, str]) -> Iterator[Run]:
    started: list[subprocess.Popen[str]] = []

    def run(*command: str | Path, **more: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | more,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        for pid in descendants(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.communicate()


@pytest.fixture
def serve(run: Run, tmp_path: Path) -> Run:
    """Runs processes of the test's own as ``make serve`` runs the product's."""

    def serve(**commands: str) -> "subprocess.Popen[str]":
        procfile = tmp_path / "Procfile"
        procfile.write_text("".join(f"{name}: {line}\n" for name, line in commands.items()))
        return run(sys.executable, "deploy/serve.py", procfile)

    return serve


def parents() -> dict[int, int]:
    """The parent of each living process. A dead one that nobody has waited for is not living."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found[int(stat.parent.name)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    family, of = {pid}, parents()
    while more := {child for child, parent in of.items() if parent in family} - family:
        family |= more
    return family - {pid}


def read_until(process: "subprocess.Popen[str]", *words: str) -> str:
    """Reads its output until each of ``words`` has been said; fails with all of it if it ends before."""
    assert process.stdout
    text = ""
    while not all(word in text for word in words):
        line = process.stdout.readline()
        assert line, f"ended without saying {words}:\n{text}"
        text += line
    return text


def finish(process: "subprocess.Popen[str]") -> str:
    return process.communicate(timeout=60)[0]


SLEEPER = "exec sh -c 'echo ready-$0; sleep 1000' "


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_every_process(serve: Run, stop: signal.Signals) -> None:
    command = serve(web=f"{SLEEPER} web", push=f"{SLEEPER} push")
    read_until(command, "ready-web", "ready-push")
    family = descendants(command.pid)
    assert len(family) >= 4
    command.send_signal(stop)
    finish(command)
    assert command.returncode != 0
    assert family.isdisjoint(parents())


def test_when_a_process_ends_the_command_ends_with_its_reason(serve: Run) -> None:
    command = serve(web=f"{SLEEPER} web", push="echo The database is gone.; exit 3")
    output = finish(command)
    assert command.returncode == 3
    assert output.endswith(
        "push ended with exit code 3; the others were stopped.\n"
        "Its last lines:\n  The database is gone.\n"
    )


def test_a_process_that_ends_well_is_an_end_all_the_same(serve: Run) -> None:
    command = serve(web=f"{SLEEPER} web", push="exit 0")
    assert "push ended with exit code 0" in finish(command)
    assert command.returncode == 1


def test_a_killed_process_ends_the_command(serve: Run) -> None:
    command = serve(web=f"{SLEEPER} web", push="echo pid-$$; exec sleep 1000")
    said = re.search(r"pid-(\d+)", read_until(command, "ready-web", "pid-"))
    assert said
    os.kill(int(said[1]), signal.SIGKILL)
    assert "push was ended by SIGKILL" in finish(command)
    assert command.returncode != 0


def test_it_says_where_to_go_once_web_answers(serve: Run, environment: dict[str, str]) -> None:
    command = serve(web="echo INFO: Uvicorn running on a socket; exec sleep 1000")
    output = read_until(command, "Ctrl-C")
    assert f"{GREETING} http://localhost:{environment['PORT']}" in output
    assert "createsuperuser" in output


def test_a_port_in_use_is_said_in_words(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = run(sys.executable, "deploy/serve.py", PORT=str(port))
        output = finish(command)
    assert output == (
        f"Port {port} is in use by another program. Stop that one, or choose another port:"
        f" make serve PORT={port + 1}\n"
    )
    assert command.returncode == 2


def test_a_port_that_is_no_number_is_said_in_words(run: Run) -> None:
    assert "PORT is “eighty”" in finish(run(sys.executable, "deploy/serve.py", PORT="eighty"))


NAMES = ("SECRET_KEY", "WEBPUSH_PUBLIC_KEY", "WEBPUSH_PRIVATE_KEY")


@pytest.fixture
def env_file(db: None, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where ``.env`` will be, with nothing given by the environment."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "var" / ".env"


def values(env_file: Path) -> dict[str, str]:
    lines = [line for line in env_file.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_the_first_env_is_for_its_owner_alone(
    env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("write_env")
    assert f"Wrote {env_file} with SECRET_KEY and" in capsys.readouterr().out
    assert env_file.stat().st_mode & 0o777 == 0o600
    assert env_file.parent.stat().st_mode & 0o777 == 0o700
    assert tuple(values(env_file)) == NAMES
    assert [path.name for path in env_file.parent.iterdir()] == [".env"]


def test_two_installations_get_different_secrets(env_file: Path) -> None:
    call_command("write_env")
    first = values(env_file)
    env_file.unlink()
    call_command("write_env")
    assert all(first[name] != value for name, value in values(env_file).items())


def test_an_env_that_is_there_stays_as_it_is(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    env_file.parent.mkdir()
    env_file.write_text("SECRET_KEY=mine\n")
    monkeypatch.setenv("SECRET_KEY", "mine")  # as the settings do when they read the file
    call_command("write_env")
    assert env_file.read_text() == "SECRET_KEY=mine\n"
    assert capsys.readouterr().out == ""


def test_an_env_without_a_secret_key_is_said_in_words(env_file: Path) -> None:
    env_file.parent.mkdir()
    env_file.write_text("TRUSTED_PROXIES=1\n")
    with pytest.raises(CommandError, match="holds no SECRET_KEY"):
        call_command("write_env")
    assert env_file.read_text() == "TRUSTED_PROXIES=1\n"


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_FILE"])
def test_what_the_environment_gives_is_left_out(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "mine")
    call_command("write_env")
    assert tuple(values(env_file)) == NAMES[1:]


def test_nothing_is_written_when_the_environment_gives_it_all(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "mine")
    call_command("write_env")
    assert not env_file.exists()


def test_half_a_key_pair_is_not_completed(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBPUSH_PUBLIC_KEY", "half")
    with pytest.raises(CommandError, match="Only one of"):
        call_command("write_env")
    assert not env_file.exists()


def test_a_used_database_gets_no_new_keys(env_file: Path) -> None:
    InstanceKey.verify()
    with pytest.raises(CommandError, match="this database was used with such keys before"):
        call_command("write_env")
    assert not env_file.exists()


@pytest.mark.slow
def test_make_serve_runs_the_product_from_nothing(run: Run, environment: dict[str, str]) -> None:
    command = run("make", "serve")
    read_until(command, GREETING)
    site = f"http://localhost:{environment['PORT']}"
    with urllib.request.urlopen(f"{site}/Account/Login", timeout=30) as response:
        page = response.read().decode()
    style = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert style
    with urllib.request.urlopen(site + style[1], timeout=30) as response:
        assert response.status == 200
    family = descendants(command.pid)
    command.terminate()
    finish(command)
    assert family.isdisjoint(parents())
