"""Several workers over one database: all of them work, and nothing goes out twice."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from push.delivery.vapid import generate
from push.models import Delivery, InstanceKey
from tests.push.crowd import Crowd
from tests.push.processes import Process, Start, start, wait_until
from tests.push_services import Plan, Services

__all__ = ["start"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

State = Delivery.State

ON_POSTGRESQL = connection.vendor == "postgresql"
WORKERS = 4 if ON_POSTGRESQL else 2
PEOPLE = 50 if ON_POSTGRESQL else 10
DEVICES, NEWS = 20, 20 if ON_POSTGRESQL else 10
"""50 people with 20 devices each are told 20 things: 20,000 deliveries; 2,000 on SQLite."""


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Two push services; each 20th message is held against the RFCs."""
    plans = [Plan(), Plan()]
    with Services(tmp_path, plans, key=settings.WEBPUSH_PUBLIC_KEY, sample=20) as services:
        yield services


@pytest.fixture
def crowd(services: Services) -> Crowd:
    crowd = Crowd(services)
    for service in range(2):
        crowd.join(PEOPLE // 2, DEVICES, service)
    return crowd


def all_accepted() -> bool:
    return not Delivery.objects.exclude(state=State.ACCEPTED).exists()


def test_every_delivery_is_accepted_exactly_once(
    start: Start, crowd: Crowd, services: Services
) -> None:
    InstanceKey.verify()
    workers = [start() for _n in range(WORKERS)]
    for worker in workers:
        worker.ready()
    rows = crowd.tell(NEWS)
    assert len(rows) == PEOPLE * DEVICES * NEWS
    intruders = start_with_other_keys(start)

    wait_until(lambda: len(services.log()) >= len(rows))
    wait_until(all_accepted)
    for setting, intruder in intruders.items():
        assert intruder.ended() != 0
        assert intruder.says(f"{setting} is not the one this database was used with")
    assert [worker.stop() for worker in workers] == [0] * WORKERS

    accepted = services.accepted()
    assert Counter((line.token, line.topic) for line in accepted) == Counter(crowd.copies.values())
    assert services.refused() == []
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    assert_all_of_them_worked([worker.pid for worker in workers], [line.pid for line in accepted])


def start_with_other_keys(start: Start) -> dict[str, Process]:
    """Workers of another installation's environment, by the setting that differs."""
    public, private = generate()
    return {
        "SECRET_KEY": start(SECRET_KEY="another"),
        "WEBPUSH_PUBLIC_KEY": start(WEBPUSH_PUBLIC_KEY=public, WEBPUSH_PRIVATE_KEY=private),
    }


def assert_all_of_them_worked(workers: list[int], senders: list[int]) -> None:
    """Nobody else did, and nobody was idle during any quarter of the work."""
    assert set(senders) == set(workers)
    quarter = len(senders) // 4
    for begin in range(0, quarter * 4, quarter):
        shares = Counter(senders[begin : begin + quarter])
        assert min(shares[pid] for pid in workers) > quarter // (WORKERS * 10), shares
