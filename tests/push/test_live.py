"""``/events``, over a real uvicorn and a real socket."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
import uvicorn
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.http import HttpRequest

from accounts.models import Device, User
from push.models import Notification, Subscription
from push.notices import live

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 10  # seconds until a test gives up; nothing waits for it to pass


class Server(uvicorn.Server):
    """uvicorn in a thread, on a free port."""

    def __init__(self, application: Any) -> None:
        super().__init__(uvicorn.Config(application, port=0, log_level="error", lifespan="off"))
        self.thread = threading.Thread(target=self.run)

    def begin(self) -> None:
        self.thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self.started:
            assert time.monotonic() < deadline
            self.thread.join(0.01)

    @property
    def port(self) -> int:
        return int(self.servers[0].sockets[0].getsockname()[1])

    def end(self) -> None:
        self.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


class Tab:
    """One open page: a connection that reads events."""

    def __init__(self, port: int, token: str, method: str = "GET") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.connection.request(method, f"/events?token={token}")
        self.response = self.connection.getresponse()

    def lines(self) -> Iterator[str]:
        while line := self.response.readline():
            yield line.decode().rstrip("\n")

    def state(self) -> dict[str, Any]:
        """The next state; fails when the stream ends first."""
        for line in self.lines():
            if line.startswith("data: "):
                state: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return state
        raise AssertionError("the stream has ended")

    def close(self) -> None:
        sock = self.response.fp.raw._sock if self.response.fp else None  # type: ignore[attr-defined]
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
        self.response.close()
        self.connection.close()


@pytest.fixture(scope="module")
def application() -> live.Live:
    return live.Live()


@pytest.fixture(scope="module")
def server(application: live.Live) -> Iterator[Server]:
    server = Server(application)
    server.begin()
    yield server
    server.end()


@pytest.fixture
def open_tab(server: Server, application: live.Live) -> Iterator[Any]:
    tabs: list[Tab] = []

    def open_one(device: Device | None = None, *, token: str = "", method: str = "GET") -> Tab:
        tab = Tab(server.port, token_of(device) if device else token, method)
        tabs.append(tab)
        return tab

    yield open_one
    for tab in tabs:
        tab.close()
    wait_until(lambda: application._poller is None and not poller_threads())


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.02)


def poller_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("live")]


def token_of(device: Device | None) -> str:
    request = HttpRequest()
    request.device = device  # type: ignore[attr-defined]
    return live.token_for(request)


@pytest.fixture
def device(owner: User) -> Device:
    made: Device = Device.objects.create(user=owner, name="Laptop", secret_hash="1" * 64)
    return made


def notification(user: User, key: str, **fields: Any) -> Notification:
    made: Notification = Notification.objects.create(
        user=user, kind="a.kind", event_key=key, title="A title", url="/Drops", **fields
    )
    return made


def subscription(device: Device, **fields: Any) -> Subscription:
    made: Subscription = Subscription.objects.create(
        user=device.user,
        device=device,
        endpoint="https://push.example.org/1",
        endpoint_hash="2" * 64,
        p256dh=b"4" * 65,
        auth=b"1" * 16,
        **fields,
    )
    return made


def test_a_page_is_told_at_once_how_things_are(open_tab: Any, device: Device) -> None:
    notification(device.user, "1")
    tab = open_tab(device)
    assert tab.response.status == 200
    assert tab.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert tab.response.headers["cache-control"] == "no-store"
    assert tab.state() == {"unread": 1, "subscription": "none"}


def test_a_page_hears_what_another_process_commits(open_tab: Any, device: Device) -> None:
    tab = open_tab(device)
    assert tab.state() == {"unread": 0, "subscription": "none"}
    notification(device.user, "1")
    assert tab.state() == {"unread": 1, "subscription": "none"}
    Notification.objects.all().mark_read()
    assert tab.state() == {"unread": 0, "subscription": "none"}


def test_a_page_hears_what_becomes_of_its_subscription(open_tab: Any, device: Device) -> None:
    made = subscription(device)
    tab = open_tab(device)
    assert tab.state()["subscription"] == "active"
    for state in ("stale", "gone"):
        Subscription.objects.filter(pk=made.pk).update(state=state)
        assert tab.state()["subscription"] == state
    made.delete()
    assert tab.state()["subscription"] == "none"


def test_what_was_done_on_this_device_is_not_unread_on_it(open_tab: Any, device: Device) -> None:
    other = Device.objects.create(user=device.user, name="Phone", secret_hash="3" * 64)
    notification(device.user, "1", device=device)
    notification(device.user, "2", device=other)
    notification(device.user, "3")
    notification(device.user, "4", in_bell=False)
    Device.objects.create(user=device.user, name="Tablet", secret_hash="4" * 64)
    tablet = Device.objects.get(name="Tablet")
    assert [open_tab(each).state()["unread"] for each in (device, other, tablet)] == [2, 2, 3]


def test_other_peoples_events_are_not_heard(open_tab: Any, device: Device, stranger: User) -> None:
    tab = open_tab(device)
    assert tab.state()["unread"] == 0
    notification(stranger, "1")
    notification(stranger, "2")
    notification(device.user, "1")
    assert tab.state()["unread"] == 1


def test_a_commit_that_changes_nothing_here_sends_nothing(
    open_tab: Any, device: Device, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.3)
    tab = open_tab(device)
    assert tab.state()["unread"] == 0
    notification(stranger, "1")
    words = [line for _number, line in zip(range(6), tab.lines(), strict=False) if line]
    assert words
    assert set(words) == {": still here"}


@pytest.mark.parametrize("token", ["", "forged", "AAAA:1tAAAA:AAAAAAAAAAAAAAAAAAAAAAAA", "%00%ff"])
def test_a_bad_token_is_refused_in_words(open_tab: Any, token: str) -> None:
    tab = open_tab(token=token)
    assert tab.response.status == 403
    assert "Reload the page." in tab.response.read().decode()


def test_a_token_is_good_for_a_day(open_tab: Any, device: Device) -> None:
    with time_machine.travel(time.time() - live.TOKEN_AGE + 60):
        good = token_of(device)
    with time_machine.travel(time.time() - live.TOKEN_AGE - 60):
        stale = token_of(device)
    assert open_tab(token=good).response.status == 200
    assert open_tab(token=stale).response.status == 403


def test_another_tokens_signature_lets_nobody_in(open_tab: Any, device: Device) -> None:
    other = Device.objects.create(user=device.user, name="Phone", secret_hash="3" * 64)
    _name, _colon, rest = token_of(device).partition(":")
    assert open_tab(token=f"{other.public_id}.0:{rest}").response.status == 403


def test_pages_without_a_device_get_no_token() -> None:
    assert token_of(None) == ""


def test_a_removed_device_is_let_in_no_more(open_tab: Any, device: Device) -> None:
    token = token_of(device)
    tab = open_tab(device)
    tab.state()
    device.remove()
    assert list(tab.lines())[-1:] in ([], [""])
    refused = open_tab(token=token)
    assert refused.response.status == 403
    assert "Sign in again." in refused.response.read().decode()


def test_a_sign_out_ends_the_stream_and_its_token(open_tab: Any, device: Device) -> None:
    token = token_of(device)
    tab = open_tab(device)
    tab.state()
    device.sign_out()
    assert list(tab.lines())[-1:] in ([], [""])
    assert open_tab(token=token).response.status == 403
    assert open_tab(device).response.status == 200  # a new session's page


def test_somebody_elses_sign_in_ends_the_stream(
    open_tab: Any, device: Device, stranger: User
) -> None:
    token = token_of(device)
    device.take_over(stranger)
    assert open_tab(token=token).response.status == 403


def test_a_deactivated_person_is_let_in_no_more(open_tab: Any, device: Device) -> None:
    device.user.deactivate()
    assert open_tab(device).response.status == 403


def test_only_get_is_understood(open_tab: Any, device: Device) -> None:
    assert open_tab(device, method="POST").response.status == 405


def test_many_tabs_share_one_thread_one_connection_and_two_queries(
    open_tab: Any, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    looks: list[set[str]] = []
    states_of = live.states_of

    def watched(devices: Any) -> dict[str, live.State]:
        threads.add(threading.get_ident())
        looks.append(set(devices))
        return states_of(devices)

    monkeypatch.setattr(live, "states_of", watched)
    tabs = [open_tab(device) for _ in range(30)]
    assert [tab.state()["unread"] for tab in tabs] == [0] * 30
    before = len(looks)
    notification(device.user, "1")
    assert [tab.state()["unread"] for tab in tabs] == [1] * 30
    assert len(poller_threads()) == len(threads) == 1
    if connection.vendor == "sqlite":  # only when something was committed
        assert len(looks) - before <= 2


def test_one_look_is_two_queries_for_any_number_of_people(
    django_assert_num_queries: Any, device: Device, stranger: User, colleague: User
) -> None:
    sessions = [f"{device.public_id}.0"]
    for number, user in enumerate((stranger, colleague)):
        notification(user, "1")
        made = Device.objects.create(user=user, name="Phone", secret_hash=f"{number:064d}")
        sessions.append(f"{made.public_id}.0")
    with django_assert_num_queries(2):
        states = live.states_of(sessions)
    assert [states[each].unread for each in sessions] == [0, 1, 1]


def test_the_poller_ends_with_the_last_tab_and_begins_anew(
    open_tab: Any, application: live.Live, device: Device
) -> None:
    tab = open_tab(device)
    tab.state()
    tab.close()
    wait_until(lambda: application._poller is None and not poller_threads())
    again = open_tab(device)
    again.state()
    notification(device.user, "1")
    assert again.state()["unread"] == 1


def test_tabs_survive_a_database_that_does_not_answer(
    open_tab: Any, device: Device, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([True, True])
    states_of = live.states_of

    def failing(devices: Any) -> dict[str, live.State]:
        if next(failures, False):
            raise OperationalError("the database is restarting")
        return states_of(devices)

    monkeypatch.setattr(live, "OUTAGE", 0.05)
    monkeypatch.setattr(live, "states_of", failing)
    assert open_tab(device).state()["unread"] == 0
    assert "the database does not answer" in caplog.text


def test_the_server_stops_at_once_although_tabs_are_open(device: Device, tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    database = django_settings.DATABASES["default"]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(port)],
        env={
            **os.environ,
            "DATA_DIR": str(tmp_path),
            "LIVE_TEST_DATABASE": json.dumps(name_of(database)),
        },
    )
    try:
        tab = first_tab(port, device)
        assert tab.state()["unread"] == 0
        process.send_signal(signal.SIGTERM)
        assert list(tab.lines())[-1:] in ([], [""])
        assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


RUN = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
from django.conf import settings
settings.DATABASES["default"] |= json.loads(os.environ["LIVE_TEST_DATABASE"])
django.setup()
import uvicorn
from push.notices.live import events
uvicorn.run(events, port=int(sys.argv[1]), lifespan="off", log_level="error")
"""


def name_of(database: dict[str, Any]) -> dict[str, str]:
    """How a process reaches the database of this test."""
    return {"NAME": str(connection.settings_dict["NAME"]), "ENGINE": database["ENGINE"]} | {
        key: str(database[key]) for key in ("HOST", "PORT", "USER", "PASSWORD") if database.get(key)
    }


def first_tab(port: int, device: Device) -> Tab:
    """As soon as the server listens."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while True:
        try:
            return Tab(port, token_of(device))
        except ConnectionError:
            assert time.monotonic() < deadline
            pause.wait(0.05)
