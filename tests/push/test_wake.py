"""What wakes a worker: the commit itself."""

import select
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from push.delivery import wake
from push.models import GoneEndpoint
from tests.push.conftest import Outbox, Phone


@pytest.fixture
def bell() -> Iterator[wake.Bell]:
    bell = wake.Bell()
    yield bell
    bell.close()


def rings(bell: wake.Bell, seconds: float = 10) -> bool:
    """Waits for the bell and answers it."""
    ready, _, _ = select.select([bell.read_fd], [], [], seconds)
    return bool(ready) and bell.answer()


def test_a_bell_is_answered_once(bell: wake.Bell) -> None:
    assert not bell.answer()
    bell.ring()
    bell.ring()
    assert bell.answer()
    assert not bell.answer()


def test_a_bell_that_nobody_answers_never_blocks(bell: wake.Bell) -> None:
    for _ring in range(100_000):
        bell.ring()
    assert bell.answer()


@pytest.mark.django_db(transaction=True)
def test_a_commit_is_noticed_on_sqlite(bell: wake.Bell) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("holds only on SQLite")
    watch = wake.watch(bell)
    assert watch.every is not None
    watch.changed()
    assert not watch.changed()
    with transaction.atomic():
        GoneEndpoint.objects.create(endpoint_hash="one")
        assert not watch.changed()
    assert watch.changed()
    assert not watch.changed()
    watch.close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_commit_is_heard_on_postgresql(bell: wake.Bell) -> None:
    watch = wake.watch(bell)
    assert rings(bell)  # it listens now
    with transaction.atomic():
        wake.notify()
        wake.notify()
        assert not rings(bell, 0.1)
    assert rings(bell)
    watch.close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_listener_comes_back_after_the_server_went_away(bell: wake.Bell) -> None:
    watch = wake.watch(bell)
    assert rings(bell)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN %' AND datname = current_database()"
        )
    assert rings(bell)
    wake.notify()
    assert rings(bell)
    watch.close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_event_announces_itself_once(bell: wake.Bell, outbox: Outbox, phone: Phone) -> None:
    watch = wake.watch(bell)
    assert rings(bell)
    phone.subscription.request_test()
    assert rings(bell)
    assert not rings(bell, 0.1)
    watch.close()
