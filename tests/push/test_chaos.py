"""Everything goes wrong at once, and no delivery is lost, sent twice without need, or left waiting.

Four workers, seven push services of which six misbehave, ``kill -9`` at random moments, a database
that crashes. To repeat a failure: FASTLINKIT_CHAOS=the seed it printed.
"""

import copy
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from push.models import Delivery, ServiceState, Subscription
from tests.fixtures.postgresql import CRASH_PROOF, Cluster, cluster
from tests.fixtures.product import ROOT
from tests.push.crowd import Crowd, token_of
from tests.push.processes import Process, Start, start, wait_until
from tests.push_services import Line, Plan, Services

__all__ = ["start"]

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

State = Delivery.State

ALIAS = "chaos"
WORKERS = 4
KILLS = 6
CRASH_AFTER = 3  # kills
PEOPLE, DEVICES = 5, 12  # at each service
EXPIRES_IN = 40.0
"""Seconds. Longer than most retries take, shorter than the pause of a service that is at fault."""

ROUGH = {
    "accept": 70,
    "slow_body": 2,
    "429": 3,
    "429_seconds": 3,
    "429_date": 2,
    "500": 5,
    "503": 3,
    "503_seconds": 3,
    "reset": 5,
    "cut": 2,
    "stall": 2,
}
MASS = 5
PLANS = [
    Plan(),
    Plan(ROUGH),
    Plan(ROUGH, gone=0.1),  # fewer than the mass-failure guard looks at
    Plan({"accept": 90, "slow_body": 10}, gone=0.1),
    Plan({"accept": 1}, down_for=5),
    Plan({"accept": 1}, gone=0.6),  # that many cannot be: see ``MASS``
    Plan({"accept": 60, "stall": 20, "503": 20}),
]


@pytest.fixture(scope="module")
def seed() -> str:
    return os.environ.get("FASTLINKIT_CHAOS") or f"{random.randrange(10**9)}"


@pytest.fixture
def server() -> Iterator[Cluster]:
    with cluster(CRASH_PROOF) as server:
        yield server


@pytest.fixture
def services(tmp_path: Path, seed: str) -> Iterator[Services]:
    with Services(tmp_path, PLANS, key=settings.WEBPUSH_PUBLIC_KEY, seed=seed) as services:
        yield services


@pytest.fixture
def crowd(
    server: Cluster, services: Services, django_db_blocker: Any, tmp_path: Path
) -> Iterator[Crowd]:
    """People at all the services, in a database of their own that may crash."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "fastlinkit.settings",
        "DATABASE_URL": server.url,
        "DATA_DIR": str(tmp_path),
    }
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    database = copy.deepcopy(connections.settings["default"])
    changed = {"NAME": "postgres", "USER": "fastlinkit", "HOST": "127.0.0.1", "PORT": server.port}
    connections.settings[ALIAS] = {**database, **changed}
    with django_db_blocker.unblock():
        crowd = Crowd(services, using=ALIAS)
        for number in range(len(PLANS)):
            crowd.join(PEOPLE, DEVICES, number)
        yield crowd
        connections[ALIAS].close()
    del connections[ALIAS]
    del connections.settings[ALIAS]


class Chaos:
    """The workers, and what befalls them."""

    def __init__(self, start: Start, server: Cluster, crowd: Crowd, seed: str) -> None:
        self.start = lambda: start(DATABASE_URL=server.url)
        self.server = server
        self.crowd = crowd
        self.dice = random.Random(seed)
        self.workers: list[Process] = [self.start() for _n in range(WORKERS)]
        self.killed: dict[int, Process] = {}
        for worker in self.workers:
            worker.ready()

    def more_messages(self) -> None:
        """Until some more have come to the services: a moment that nobody chose."""
        wanted = len(self.crowd.services.log()) + self.dice.randrange(50, 300)
        wait_until(lambda: len(self.crowd.services.log()) >= wanted)

    def kill(self) -> None:
        """Ends one with what it has in hand, and puts another in its place."""
        alive = [each for each in self.workers if each.is_ready() and each.process.poll() is None]
        victim = self.dice.choice(alive)
        self.workers.remove(victim)
        victim.kill()
        self.killed[victim.pid] = victim
        self.workers.append(self.start())

    def crash(self) -> None:
        self.server.crash()
        self.server.start()
        connections[ALIAS].close()

    def restart(self) -> None:
        """As a service manager does: a worker that found no database when it started is started again."""
        for worker in [each for each in self.workers if each.process.poll() is not None]:
            assert worker.says("The database is not ready"), worker.said()
            self.workers.remove(worker)
            self.workers.append(self.start())

    def lapse(self) -> int:
        """The minute for which a dead worker's leases run on has passed; how many rows it had."""
        owners = [each.owner for each in self.killed.values()]
        held = Delivery.objects.using(ALIAS).filter(state=State.SENDING, lease_owner__in=owners)
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT now() - interval '1 second'")
            [past] = cursor.fetchone()
        return held.update(lease_until=past)


def rows() -> Any:
    return Delivery.objects.using(ALIAS)


def nothing_waits() -> bool:
    return not rows().filter(state__in=Delivery.OPEN).exists()


def test_nothing_is_lost_and_nothing_goes_out_twice(
    start: Start, server: Cluster, services: Services, crowd: Crowd, seed: str
) -> None:
    print(f"FASTLINKIT_CHAOS={seed}")
    chaos = Chaos(start, server, crowd, seed)
    taken_up = 0
    for number in range(KILLS):
        crowd.tell(1, expires_in=EXPIRES_IN)
        chaos.more_messages()
        chaos.kill()
        if number == CRASH_AFTER:
            chaos.crash()
        chaos.restart()
        taken_up += chaos.lapse()
    wait_until(nothing_waits, 240)
    chaos.restart()
    for worker in chaos.workers:
        assert worker.ready().stop() == 0, worker.said()

    assert taken_up > 0  # else nobody was killed in the midst of anything
    assert_everything_was_tried(services)
    assert services.refused() == []
    ends = {row.pk: row for row in rows()}
    assert ends.keys() == crowd.copies.keys()
    assert {row.state for row in ends.values()} <= {State.ACCEPTED, State.GONE, State.EXPIRED}
    assert {row.state for row in ends.values() if not row.reason} == {State.ACCEPTED}
    assert_accepted_once_but_for_the_killed(crowd, ends, chaos.killed)
    assert_the_gone_are_gone(crowd, chaos.killed)


def assert_everything_was_tried(services: Services) -> None:
    seen = {line.what for line in services.log()}
    assert seen >= {"accept", "429_seconds", "500", "503", "410", "reset", "stall", "gave_up"}


def assert_accepted_once_but_for_the_killed(
    crowd: Crowd, ends: dict[int, Delivery], killed: dict[int, Process]
) -> None:
    """All acceptances of a delivery but one must have been told to a worker that could not hear them."""
    told: dict[tuple[str, str], list[Line]] = {}
    for line in crowd.services.accepted():
        told.setdefault((line.token, line.topic), []).append(line)
    states = {crowd.copies[pk]: row.state for pk, row in ends.items()}
    assert told.keys() <= states.keys()
    for copy_, state in states.items():
        living = [line for line in told.get(copy_, []) if line.pid and line.pid not in killed]
        assert len(living) <= 1, (copy_, told[copy_])
        if living:
            assert state == State.ACCEPTED, (copy_, living)
        if state == State.ACCEPTED:
            assert copy_ in told


def assert_the_gone_are_gone(crowd: Crowd, killed: dict[int, Process]) -> None:
    """Those that the services said so of, and none where it was said of too many."""
    found = Subscription.objects.using(ALIAS).filter(state=Subscription.State.GONE)
    gone = {token_of(each): each.service for each in found}
    mass = crowd.services.hosts[MASS]
    assert mass not in gone.values()
    assert ServiceState.objects.using(ALIAS).get(service=mass).reason == "mass_failure"
    said = [line for line in crowd.services.log() if line.what == "410" and line.service != MASS]
    assert gone.keys() <= {line.token for line in said}
    assert gone.keys() >= {line.token for line in said if line.pid and line.pid not in killed}
