"""``manage.py announce``: shown, asked, published, followed, cancelled, listed."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django_ox.testing import run_tasks

from accounts.models import User
from push import tasks
from push.models import Announcement, Notification
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db

SAID = ("--title", "New hours", "--body", "We open at nine.")


def announce(*arguments: str) -> list[str]:
    output = io.StringIO()
    call_command("announce", *arguments, stdout=output)
    return output.getvalue().strip().splitlines()


def test_it_shows_what_it_announces(owner: User, phone: Phone) -> None:
    lines = announce(*SAID, "--url", "/Drops", "--yes")
    assert [line.strip() for line in lines[:3]] == ["New hours", "We open at nine.", "→ /Drops"]
    assert "In the bell of 1 person, pushed to 1 device; switched off by 0 people." in lines[-2]
    announcement = Announcement.objects.get()
    assert lines[-1].startswith(f"Announcement {announcement.pk} is published to 1 person;")
    run_tasks()
    assert Notification.objects.get().url == "/Drops"


def test_a_dry_run_announces_nothing(owner: User) -> None:
    assert announce(*SAID, "--dry-run")[-1] == "Nothing was announced: this was a dry run."
    assert not Announcement.objects.exists()


@pytest.mark.parametrize(("answer", "count"), [("y", 1), ("yes", 1), ("", 0), ("n", 0)])
def test_it_asks_first(
    owner: User, monkeypatch: pytest.MonkeyPatch, answer: str, count: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer + "\n"))
    announce(*SAID)
    assert Announcement.objects.count() == count


def test_without_anybody_to_ask_nothing_is_announced(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="nobody answered: --yes announces without asking"):
        announce(*SAID)
    assert not Announcement.objects.exists()


def test_wrong_texts_are_said_by_their_option(owner: User) -> None:
    with pytest.raises(CommandError) as caught:
        announce("--title", "", "--url", "https://evil.example/")
    said = str(caught.value)
    assert "--title: An announcement needs a title." in said
    assert "--body: An announcement needs a text." in said
    assert "--url: The link must be a page of this site" in said


def test_following_prints_the_progress_to_the_end(
    outbox: Outbox, owner: User, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_seconds: float) -> None:
        run_tasks()
        outbox.drain()

    monkeypatch.setattr("push.management.commands.announce.time.sleep", work)
    lines = announce(*SAID, "--yes", "--follow")
    assert "0 of 1 person told" in lines[-3]
    assert "1 of 1 person told; pushes: 1 accepted, 0 waiting" in lines[-2]
    assert "is published" in lines[-1]


def test_cancelling_and_listing(owner: User) -> None:
    announce(*SAID, "--yes")
    key = str(Announcement.objects.get().pk)
    assert "is cancelled" in announce("--cancel", key)[-1]
    with pytest.raises(CommandError, match="nothing left to cancel"):
        announce("--cancel", key)
    with pytest.raises(CommandError, match="There is no announcement 99"):
        announce("--cancel", "99")
    lines = announce("--list")
    assert "New hours" in lines[0]
    assert "cancelled: 0 of 1 person told" in lines[1]
    assert lines[-1] == "1 announcement so far."


def test_it_may_be_cancelled_while_somebody_follows(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(_seconds: float) -> Any:
        Announcement.objects.get().cancel()
        return tasks.tend_announcements.call()

    monkeypatch.setattr("push.management.commands.announce.time.sleep", cancel)
    assert "cancelled: 0 of 1 person told" in announce(*SAID, "--yes", "--follow")[-2]
