"""Many hands on one announcement, and one that is killed: everybody is told once all the same."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_ox.models import OxTask
from django_ox.testing import run_tasks

from accounts.models import Device, User
from push import tasks
from push.models import Announcement, Delivery, Notification, Preference, Subscription
from push.notices import announcements
from tests.fixtures.product import ROOT, product_environment
from tests.push_service import PushService

pytestmark = pytest.mark.django_db(transaction=True)

State = Announcement.State
HANDS = 4


def make_crowd(size: int, every: int = 1) -> int:
    """People; of ``every`` so many one with a subscribed device. How many devices."""
    people = User.objects.bulk_create(
        User(email=f"p{number}@example.org", name=f"Person {number}") for number in range(size)
    )
    people = people[::every]
    Preference.objects.bulk_create(Preference(user=each, push_enabled=True) for each in people)
    devices = Device.objects.bulk_create(
        Device(user=each, name="Phone", secret_hash=f"{each.pk:064}", push_wanted=True)
        for each in people
    )
    Subscription.objects.bulk_create(
        Subscription(
            user_id=each.user_id,
            device=each,
            endpoint=f"https://push.example/{each.pk}",
            endpoint_hash=f"{each.pk:064}",
            p256dh=b"",
            auth=b"",
            service="push.example",
            key_id="",
        )
        for each in devices
    )
    return len(devices)


def announce() -> Announcement:
    return announcements.publish(public_id="a" * 24, title="New hours", body="Nine.", url="/")[0]


def fresh(announcement: Announcement) -> Announcement:
    announcement.refresh_from_db()
    return announcement


def all_at_once(work: Callable[[int], Any], hands: int = HANDS) -> list[Any]:
    """Each hand works in a thread and on a connection of its own; all begin together."""
    together = threading.Barrier(hands)

    def begin(number: int) -> Any:
        try:
            connection.ensure_connection()
            together.wait(30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(hands) as pool:
        return list(pool.map(begin, range(hands)))


def expand_to_the_end(announcement: Announcement) -> None:
    """What a chain of tasks does."""
    while fresh(announcement).state in Announcement.UNDER_WAY:
        tasks.expand.call(announcement.pk, announcement.cursor)


def assert_everybody_was_told_once(people: int, devices: int) -> None:
    told = Counter(Notification.objects.values_list("user", flat=True))
    assert (len(told), set(told.values())) == (people, {1})
    pushed = Counter(Delivery.objects.values_list("subscription", flat=True))
    assert (len(pushed), set(pushed.values())) == (devices, {1})


def test_several_that_expand_at_once_tell_everybody_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "CHUNK", 7)
    make_crowd(200)
    announcement = announce()
    all_at_once(lambda _number: expand_to_the_end(Announcement.objects.get()))
    assert fresh(announcement).state == State.DONE
    assert_everybody_was_told_once(200, 200)


def test_of_many_that_run_the_same_chunk_one_does_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announcements, "CHUNK", 50)
    make_crowd(200)
    announcement = announce()
    OxTask.objects.all().delete()
    all_at_once(lambda _number: tasks.expand.call(announcement.pk, 0))
    assert Notification.objects.count() == 50
    assert OxTask.objects.count() == 1


def test_cancelling_in_the_middle_leaves_nothing_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "CHUNK", 5)
    make_crowd(300)
    announcement = announce()

    def work(number: int) -> bool:
        if number:
            expand_to_the_end(Announcement.objects.get())
            return False
        while not Notification.objects.exists():
            time.sleep(0.001)
        return Announcement.objects.get().cancel()

    assert all_at_once(work)[0]
    run_tasks()
    assert fresh(announcement).state == State.CANCELLED
    told = Notification.objects.count()
    assert told > 0
    rows = Delivery.objects.values_list("state", "reason")
    assert Counter(rows) == {("dropped", "cancelled"): told}


def test_of_many_who_publish_one_form_at_once_one_does() -> None:
    make_crowd(3)
    found = all_at_once(
        lambda _number: announcements.publish(public_id="b" * 24, title="A", body="B", url="/")
    )
    assert Counter(is_new for _announcement, is_new in found) == {True: 1, False: HANDS - 1}
    assert Announcement.objects.count() == OxTask.objects.count() == 1


def test_of_many_who_cancel_at_once_one_does() -> None:
    make_crowd(3)
    announcement = announce()
    found = all_at_once(lambda _number: Announcement.objects.get(pk=announcement.pk).cancel())
    assert Counter(found) == {True: 1, False: HANDS - 1}


@contextmanager
def task_worker(environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "ox_worker.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "ox_worker", "--interval", "0.05"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.01)


@pytest.mark.slow
def test_a_task_worker_that_is_killed_loses_and_doubles_nothing(
    push_service: PushService, tmp_path: Path
) -> None:
    people = 2 * announcements.CHUNK + 1
    devices = make_crowd(people, every=10)
    environment = product_environment(push_service, 8000, tmp_path)
    announcement = announce()
    with task_worker(environment, tmp_path) as worker:
        wait_until(lambda: fresh(announcement).cursor or worker.poll() is not None)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert fresh(announcement).state == State.RUNNING
    told = Notification.objects.filter(user__lte=announcement.cursor).count()
    assert told == Notification.objects.count() < people
    # Two minutes later, and the dead worker's lease has lapsed.
    Announcement.objects.update(moved_at=timezone.now() - timedelta(minutes=3))
    OxTask.objects.filter(lease_expires_at__isnull=False).update(lease_expires_at=timezone.now())
    tasks.tend_announcements.call()
    with task_worker(environment, tmp_path) as worker:
        wait_until(lambda: fresh(announcement).state == State.DONE or worker.poll() is not None)
    assert_everybody_was_told_once(people, devices)
