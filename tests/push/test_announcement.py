"""An administrator announces: everybody hears of it once, whatever happens meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_ox.models import OxTask
from django_ox.testing import run_tasks

from accounts.models import User
from push import signals, tasks
from push.models import Announcement, Delivery, KindPreference, Notification, Preference
from push.notices import announcements, preferences
from tests.conftest import make_person
from tests.push.conftest import Outbox, Phone
from tests.push_service import PushService

pytestmark = pytest.mark.django_db

State = Announcement.State


def announce(**fields: Any) -> Announcement:
    said = {"title": "New hours", "body": "We open at nine.", "url": "/Drops"} | fields
    said.setdefault("public_id", f"{Announcement.objects.count():024d}")
    return announcements.publish(**said)[0]


def told(announcement: Announcement) -> set[str]:
    rows = Notification.objects.filter(announcement=announcement)
    return {notification.user.name for notification in rows}


def pushed(announcement: Announcement) -> set[str]:
    rows = Delivery.objects.filter(notification__announcement=announcement)
    return {delivery.device_name for delivery in rows}


def fresh(announcement: Announcement) -> Announcement:
    announcement.refresh_from_db()
    return announcement


@pytest.fixture
def crowd(db: None) -> list[User]:
    """Seven people."""
    return [make_person(f"p{number}@example.org", f"Person {number}") for number in range(7)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "CHUNK", 2)
    monkeypatch.setattr(announcements, "DROPPED_AT_ONCE", 2)


def test_everybody_is_told_in_chunks(crowd: list[User], small_chunks: None) -> None:
    announcement = announce()
    assert announcement.state == State.QUEUED
    run_tasks()
    assert fresh(announcement).state == State.DONE
    assert told(announcement) == {person.name for person in crowd}
    assert announcement.people == 7
    assert announcement.started_at <= announcement.finished_at
    assert OxTask.objects.filter(task_path="push.tasks.expand").count() == 5


def test_a_person_reads_what_was_written(owner: User, phone: Phone) -> None:
    User.objects.filter(pk=owner.pk).update(language="en")
    run_tasks_of = announce(title="New  hours", body="Nine\u202e to\nfive.", url="/Drops?x=1")
    run_tasks()
    row = Notification.objects.get(announcement=run_tasks_of)
    assert (row.title, row.body, row.url) == ("New hours", "Nine to five.", "/Drops?x=1")
    assert (row.kind, row.level, row.in_bell) == ("push.announcement", "info", True)
    assert (row.actions, row.language, row.read_at, row.device) == ([], "en", None, None)
    assert len(row.public_id) == 24
    delivery = Delivery.objects.get()
    assert (delivery.user, delivery.subscription) == (owner, phone.subscription)
    assert (delivery.state, delivery.attempts, delivery.lease_until) == ("pending", 0, None)
    assert delivery.created_at == delivery.due_at == row.created_at
    assert delivery.expires_at - run_tasks_of.expires_at < timedelta(seconds=1)


def test_each_person_has_a_public_id_of_their_own(crowd: list[User]) -> None:
    announce()
    run_tasks()
    assert Notification.objects.values("public_id").distinct().count() == 7


def test_it_reaches_the_device_as_any_other_push(outbox: Outbox, phone: Phone) -> None:
    announce(title="New hours")
    run_tasks()
    outbox.drain()
    (message,) = phone.browser.messages()
    assert message["notification"]["title"] == "New hours"
    (request,) = phone.browser.requests()
    assert request.headers["urgency"] == "low"


def test_whoever_switched_the_kind_off_is_left_out(
    outbox: Outbox, owner: User, colleague: User
) -> None:
    outbox.phone(owner, "Olga's")
    outbox.phone(colleague, "Carl's")
    preferences.choose(colleague, {"drops.received"})
    announcement = announce()
    run_tasks()
    assert (told(announcement), pushed(announcement)) == ({"Olga Owner"}, {"Olga's"})
    assert announcement.people == 1


def test_whoever_has_push_off_has_it_in_the_bell_alone(
    outbox: Outbox, owner: User, colleague: User, stranger: User
) -> None:
    outbox.phone(owner, "Olga's")
    outbox.phone(colleague, "Carl's")
    Preference.set_push(colleague, False)
    announcement = announce()
    run_tasks()
    assert len(told(announcement)) == 3
    assert pushed(announcement) == {"Olga's"}


def test_a_subscription_that_ended_is_left_out(outbox: Outbox, owner: User) -> None:
    outbox.phone(owner, "Phone")
    laptop = outbox.phone(owner, "Laptop")
    laptop.subscription.state = "gone"
    laptop.subscription.save()
    announcement = announce()
    run_tasks()
    assert pushed(announcement) == {"Phone"}


def test_the_inactive_and_those_who_join_later_are_not_told(owner: User, colleague: User) -> None:
    colleague.deactivate()
    announcement = announce()
    make_person("late@example.org", "Late")
    run_tasks()
    assert told(announcement) == {"Olga Owner"}


def test_pressing_twice_announces_once(owner: User) -> None:
    first, is_new = announcements.publish(public_id="a" * 24, title="A", body="B", url="/Drops")
    second, is_new_again = announcements.publish(
        public_id="a" * 24, title="A", body="B", url="/Drops"
    )
    assert (is_new, is_new_again, first) == (True, False, second)
    assert OxTask.objects.count() == 1


def test_a_chunk_that_is_run_again_adds_nothing(crowd: list[User], small_chunks: None) -> None:
    announcement = announce()
    tasks.expand.call(announcement.pk, 0)
    assert fresh(announcement).cursor == crowd[1].pk
    tasks.expand.call(announcement.pk, 0)
    assert fresh(announcement).cursor == crowd[1].pk
    run_tasks()
    assert Notification.objects.filter(announcement=announcement).count() == 7


def test_the_signal_again_adds_nothing(crowd: list[User], phone: Phone) -> None:
    announcement = announce()
    run_tasks()
    before = Notification.objects.count(), Delivery.objects.count()
    signals.announced.send_robust(
        sender=Announcement, subject=announcement, actor=None, device=None
    )
    run_tasks()
    assert (Notification.objects.count(), Delivery.objects.count()) == before


def test_even_with_its_cursor_lost_nobody_is_told_twice(crowd: list[User], phone: Phone) -> None:
    announcement = announce()
    run_tasks()
    before = Notification.objects.count(), Delivery.objects.count()
    Announcement.objects.update(cursor=0, state=State.RUNNING)
    tasks.expand.call(announcement.pk, 0)
    assert (Notification.objects.count(), Delivery.objects.count()) == before


def test_a_chunk_takes_the_same_statements_for_one_and_for_many(
    outbox: Outbox, crowd: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = []
    for person in crowd:
        outbox.phone(person)
    for size in (1, 6):
        monkeypatch.setattr(announcements, "CHUNK", size)
        announcement = announce()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            tasks.expand.call(announcement.pk, 0)
        assert Delivery.objects.filter(notification__announcement=announcement).count() == size
        statements.append(len(queries))
    assert statements[0] == statements[1] < 12


def test_cancelling_while_it_runs_tells_nobody_else(
    outbox: Outbox, crowd: list[User], small_chunks: None
) -> None:
    for person in crowd:
        outbox.phone(person, person.name)
    announcement = announce()
    tasks.expand.call(announcement.pk, 0)
    assert fresh(announcement).cancel()
    run_tasks()
    assert fresh(announcement).state == State.CANCELLED
    assert told(announcement) == {"Person 0", "Person 1"}
    rows = Delivery.objects.values_list("state", "reason").distinct()
    assert list(rows) == [("dropped", "cancelled")]


def test_cancelling_after_everybody_was_told_drops_what_waits(
    outbox: Outbox, crowd: list[User], small_chunks: None, push_service: PushService
) -> None:
    for person in crowd:
        outbox.phone(person)
    announcement = announce()
    run_tasks()
    sent = Delivery.objects.order_by("pk")[0]
    in_hand = Delivery.objects.order_by("pk")[1]
    Delivery.objects.filter(pk=sent.pk).update(state="accepted")
    Delivery.objects.filter(pk=in_hand.pk).update(state="sending")
    other = outbox.delivery(outbox.phone(crowd[0], "Tablet"))
    assert fresh(announcement).cancel()
    run_tasks()
    found = dict(Delivery.objects.values_list("pk", "state"))
    assert (found.pop(sent.pk), found.pop(in_hand.pk)) == ("accepted", "sending")
    assert found.pop(other.pk) == "pending"
    assert list(found.values()) == ["dropped"] * 5
    outbox.drain()
    assert len(push_service.posts) == 1


def test_what_was_in_hand_and_came_back_is_dropped_as_well(outbox: Outbox, phone: Phone) -> None:
    announcement = announce()
    run_tasks()
    Delivery.objects.update(state="sending")
    fresh(announcement).cancel()
    run_tasks()
    Delivery.objects.update(state="pending")  # its try failed
    tasks.tend_announcements.call()
    run_tasks()
    assert Delivery.objects.get().reason == "cancelled"
    tasks.tend_announcements.call()
    assert fresh(announcement).figures["dropped"] == 1


def test_cancelling_twice_is_cancelling_once(owner: User) -> None:
    announcement = announce()
    assert announcement.cancel()
    assert not announcement.cancel()
    assert not Announcement.objects.get().cancel()
    tasks.tend_announcements.call()
    assert OxTask.objects.filter(task_path="push.tasks.drop_cancelled").count() == 1


def test_what_is_settled_cannot_be_cancelled(owner: User) -> None:
    announcement = announce()
    run_tasks()
    tasks.tend_announcements.call()
    assert fresh(announcement).figures["told"] == 1
    assert not announcement.cancel()
    assert fresh(announcement).state == State.DONE


def test_an_expansion_that_nobody_goes_on_with_is_taken_up_once(crowd: list[User]) -> None:
    announcement = announce()
    OxTask.objects.all().delete()
    assert tasks.tend_announcements.call()["taken_up"] == 0
    long_ago = timezone.now() - timedelta(minutes=3)
    Announcement.objects.update(moved_at=long_ago)
    assert tasks.tend_announcements.call()["taken_up"] == 1
    assert tasks.tend_announcements.call()["taken_up"] == 0
    run_tasks()
    assert fresh(announcement).state == State.DONE
    assert len(told(announcement)) == 7


def test_past_its_life_only_the_bell_tells(phone: Phone) -> None:
    announcement = announce()
    Announcement.objects.update(expires_at=timezone.now())
    run_tasks()
    assert told(announcement) == {"Olga Owner"}
    assert not Delivery.objects.exists()


def test_a_failure_of_the_receiver_does_not_lose_the_announcement(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tasks.expand.get_backend(), "enqueue", None)
        announcement = announce()
    Announcement.objects.update(moved_at=timezone.now() - timedelta(minutes=3))
    tasks.tend_announcements.call()
    run_tasks()
    assert told(announcement) == {"Olga Owner"}


def test_the_audience_is_counted_as_it_is_told(
    outbox: Outbox, owner: User, colleague: User, stranger: User
) -> None:
    outbox.phone(owner, "Phone")
    outbox.phone(owner, "Laptop")
    outbox.phone(colleague)
    KindPreference.objects.create(user=colleague, kind="push.announcement")
    found = announcements.audience()
    assert (found.people, found.devices, found.switched_off) == (2, 2, 1)
