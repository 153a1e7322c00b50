"""A process that starts while the database is away says so, waits, and then works; a refused one ends."""

from pathlib import Path

import pytest
from django.db import connection

from push.models import Delivery
from tests.conftest import make_person
from tests.fixtures.product import database_url
from tests.push.conftest import Outbox
from tests.push.forwarder import Forwarder
from tests.push.processes import Process, Start, start, wait_until

__all__ = ["start"]

pytestmark = pytest.mark.django_db(transaction=True)

WEB = ("-m", "uvicorn", "fastlinkit.asgi:application", "--port", "0")
TASKS = ("manage.py", "ox_worker")


@pytest.fixture
def away() -> Forwarder:
    """The way to the tests' PostgreSQL, closed."""
    database = connection.settings_dict
    return Forwarder((database["HOST"], int(database["PORT"] or 5432)))


def through(forwarder: Forwarder) -> str:
    """``DATABASE_URL``."""
    there = {"HOST": "127.0.0.1", "PORT": forwarder.port}
    return database_url({**connection.settings_dict, **there})


def waits(process: Process) -> bool:
    assert process.process.poll() is None, process.said()
    return process.says("next try in 0.2 s")


@pytest.mark.postgresql
def test_every_process_waits_until_the_database_is_there(
    start: Start, outbox: Outbox, away: Forwarder
) -> None:
    row = outbox.delivery(outbox.phone(make_person("olga@example.org", "Olga Owner")))
    with away:
        url = through(away)
        worker, tasks = start(DATABASE_URL=url), start(*TASKS, DATABASE_URL=url)
        web = start(*WEB, DATABASE_URL=url)
        processes = (worker, tasks, web)
        wait_until(lambda: all(map(waits, processes)))
        assert not worker.is_ready()
        away.open()
        wait_until(lambda: Delivery.objects.get(pk=row.pk).state == Delivery.State.ACCEPTED)
        wait_until(lambda: tasks.says("runs background tasks"))
        wait_until(lambda: web.says("Application startup complete"))
        assert all(process.says("The database is back.") for process in processes)
        assert worker.stop() == 0


@pytest.mark.postgresql
def test_a_stop_ends_the_wait(start: Start, away: Forwarder) -> None:
    worker = start(DATABASE_URL=through(away))
    wait_until(lambda: waits(worker))
    assert worker.stop() == 0
    assert worker.says("Stopped before the database was there.")


def test_a_database_without_tables_ends_it_in_words(start: Start, tmp_path: Path) -> None:
    empty = {"NAME": tmp_path / "empty.sqlite3"}
    if connection.vendor == "postgresql":
        empty = {"NAME": "template1"}
    worker = start(DATABASE_URL=database_url({**connection.settings_dict, **empty}))
    assert worker.ended() == 1
    assert worker.says("The database is not ready")
    assert worker.says("Run “manage.py migrate” and start again.")


@pytest.mark.postgresql
def test_a_database_that_refuses_ends_every_process_in_words(start: Start) -> None:
    url = database_url({**connection.settings_dict, "NAME": "no_such_database"})
    processes = [start(*command, DATABASE_URL=url) for command in ((), TASKS, WEB)]
    for process in processes:
        assert process.ended() != 0
        assert process.says('refuses this process (database "no_such_database" does not exist)')
        assert process.says("correct DATABASE_URL")
        assert not process.says("Traceback")
        assert not process.says("next try")


@pytest.mark.postgresql
def test_a_name_that_nobody_knows_yet_is_waited_for(start: Start) -> None:
    url = database_url({**connection.settings_dict, "HOST": "no-such-host.invalid"})
    worker = start(DATABASE_URL=url)
    wait_until(lambda: waits(worker))
    assert worker.says("is the host in DATABASE_URL spelled right?")
    assert worker.stop() == 0
