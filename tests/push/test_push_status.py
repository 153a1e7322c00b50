"""``manage.py push_status`` says what waits, who has it in hand, and what is paused."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from push.delivery import outbox as queued
from push.health import queue
from push.models import Delivery, ServiceState
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db


def status(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("push_status", *arguments, stdout=out)
    return out.getvalue().splitlines()


def as_json() -> Any:
    (line,) = status("--json")
    return json.loads(line)


def pause(service: str, **length: float) -> ServiceState:
    now = timezone.now()
    return ServiceState.objects.create(
        service=service, reason="slow_down", opened_at=now, open_until=now + timedelta(**length)
    )


def test_an_empty_outbox_is_one_sentence() -> None:
    assert status() == ["Nothing waits."]


def test_what_was_sent_does_not_count(outbox: Outbox, phone: Phone) -> None:
    outbox.delivery(phone, state=Delivery.State.ACCEPTED)
    assert status() == ["Nothing waits."]


def test_it_tells_what_is_due_from_what_waits_for_later(outbox: Outbox, phone: Phone) -> None:
    outbox.delivery(phone)
    outbox.delivery(phone, due_at=timezone.now() + timedelta(hours=1))
    (service,) = as_json()["services"]
    assert (service["service"], service["waiting"], service["due"], service["in_hand"]) == (
        phone.subscription.service,
        2,
        1,
        0,
    )
    assert status()[-1] == "Rows are on their way."


def test_it_names_who_has_what_in_hand_and_when_it_was_last_alive(
    outbox: Outbox, phone: Phone
) -> None:
    for _row in range(3):
        outbox.delivery(phone)
    now = timezone.now()
    queued.claim("here:1:abc", phone.subscription.service, 2, now)
    found = as_json()
    assert [(worker["name"], worker["in_hand"]) for worker in found["workers"]] == [
        ("here:1:abc", 2)
    ]
    assert found["services"][0]["in_hand"] == 2
    assert "worker here:1:abc: 2 in hand, alive 0 s ago" in status()


def test_a_paused_service_says_why_and_until_when(outbox: Outbox, phone: Phone) -> None:
    outbox.delivery(phone)
    state = pause(phone.subscription.service, minutes=5)
    lines = status()
    assert f"paused until {state.open_until:%Y-%m-%d %H:%M:%S}" in lines[1]
    assert "The push service asks us to slow down." in lines[1]
    assert lines[-1] == f"Paused: {state.service}; what waits there goes out by itself."
    assert as_json()["services"][0]["breaker"] == "open"


def test_columns_stand_below_each_other_however_long_a_name_is() -> None:
    pause("a.push.service.with.a.very.long.name.example.org:8443", minutes=5)
    heading, line, _conclusion = status()
    assert line.index("paused until") == heading.index("state")


def test_a_service_that_is_tried_again_says_so() -> None:
    pause("fcm", seconds=-1)
    assert as_json()["services"][0]["breaker"] == "half open"
    assert "a few rows try whether it works again" in status()[1]


def test_a_row_that_nobody_takes_means_that_no_worker_runs(outbox: Outbox, phone: Phone) -> None:
    outbox.delivery(phone, due_at=timezone.now() - timedelta(seconds=11))
    assert status()[-1] == "Rows are due and nobody takes them: push_worker is not running."
    assert as_json()["abandoned"] is True
    pause(phone.subscription.service, minutes=5)
    assert as_json()["abandoned"] is False


def test_rows_in_the_hand_of_the_dead_mean_that_no_worker_runs(
    outbox: Outbox, phone: Phone
) -> None:
    lapsed = timezone.now() - timedelta(minutes=5)
    sending = {"state": Delivery.State.SENDING, "lease_owner": "killed"}
    outbox.delivery(phone, **sending, lease_until=lapsed)
    assert status()[-1] == "Rows are due and nobody takes them: push_worker is not running."
    outbox.delivery(phone, **sending, lease_until=timezone.now() + timedelta(seconds=30))
    assert status()[-1] == "Rows are on their way."


def test_counts_end(outbox: Outbox, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "COUNTED", 2)
    for _row in range(4):
        outbox.delivery(phone)
    assert status()[1].split()[1:3] == ["2+", "2+"]


def test_it_takes_the_same_statements_however_much_there_is(outbox: Outbox, phone: Phone) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            status()
        return len(queries)

    outbox.delivery(phone)
    few = statements()
    for number in range(12):
        outbox.delivery(phone, service=f"push{number}.org:443")
        pause(f"push{number}.org:443", minutes=5)
    assert statements() == few == 4
