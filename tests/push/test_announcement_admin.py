"""An administrator announces in the admin: form, preview, sent once, watched, cancelled."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_ox.testing import run_tasks

from accounts.models import User
from push import tasks
from push.models import Announcement, Delivery, KindPreference
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db

ADD = "/admin/push/announcement/add/"
LIST = "/admin/push/announcement/"
SAID = {"title": "New hours", "body": "We open at nine.", "url": "/Drops"}


@pytest.fixture(autouse=True)
def empty_cache(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def with_permissions(client: Client, user: User, *names: str) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(User.objects.get(pk=user.pk))
    return client


@pytest.fixture
def admin(client: Client, stranger: User) -> Client:
    return with_permissions(client, stranger, "add_announcement", "change_announcement")


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def hidden_fields(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def preview(client: Client, **fields: str) -> tuple[str, dict[str, str]]:
    """The preview's text and what its form sends."""
    response = client.post(ADD, {**SAID, **fields, "_preview": "1"})
    assert response.status_code == 200
    html = response.content.decode()
    hidden = hidden_fields(html)
    hidden.pop("csrfmiddlewaretoken", None)
    return html, hidden


def send(client: Client) -> Announcement:
    _html, hidden = preview(client)
    client.post(ADD, {**hidden, "_send": "1"})
    announcement: Announcement = Announcement.objects.get()
    return announcement


def detail(client: Client, announcement: Announcement) -> str:
    response = client.get(announcement.get_absolute_url())
    assert response.status_code == 200
    html: str = response.content.decode()
    return html


def test_the_preview_says_who_will_hear_and_sends_nothing(
    admin: Client, outbox: Outbox, owner: User, colleague: User
) -> None:
    outbox.phone(owner, "Phone")
    outbox.phone(owner, "Laptop")
    KindPreference.objects.create(user=colleague, kind="push.announcement")
    html, _hidden = preview(admin)
    text = text_of(html)
    assert "New hours" in text
    assert "We open at nine." in text
    assert "2 people find it in the bell" in text
    assert "2 devices are pushed to" in text
    assert "1 person has switched announcements off" in text
    assert 'value="Send to 2 people"' in html
    assert "no page there" not in text
    assert not Announcement.objects.exists()


def test_what_is_sent_from_the_preview_is_told(admin: Client, phone: Phone) -> None:
    announcement = send(admin)
    assert announcement.created_by is not None
    assert announcement.created_by.name == "Sam Stranger"
    run_tasks()
    html = detail(admin, announcement)
    text = text_of(html)
    assert "2 of 2 people told" in text
    assert "0 of 1 push done with" in text
    assert "Told to everybody" in text
    assert "data-announcement-moving" in html
    assert LogEntry.objects.get().is_addition()


def test_an_announcement_that_stands_still_names_the_process_that_is_missing(
    admin: Client, outbox: Outbox, phone: Phone
) -> None:
    announcement = send(admin)
    ago = timezone.now() - timedelta(seconds=30)
    assert "Is manage.py" not in text_of(detail(admin, announcement))
    Announcement.objects.update(moved_at=ago)
    assert "Is manage.py ox_worker running?" in text_of(detail(admin, announcement))
    run_tasks()
    cache.clear()
    assert "Is manage.py" not in text_of(detail(admin, announcement))
    Delivery.objects.update(due_at=ago)
    assert "Is manage.py push_worker running?" in text_of(detail(admin, announcement))
    outbox.drain()
    cache.clear()
    assert "Is manage.py" not in text_of(detail(admin, announcement))


def test_sending_the_same_preview_twice_announces_once(admin: Client) -> None:
    _html, hidden = preview(admin)
    first = admin.post(ADD, {**hidden, "_send": "1"}, follow=True)
    second = admin.post(ADD, {**hidden, "_send": "1"}, follow=True)
    assert "Announced to 1 person." in first.content.decode()
    assert "announced already" in second.content.decode()
    assert Announcement.objects.count() == 1


def test_going_back_keeps_what_was_written(admin: Client) -> None:
    _html, hidden = preview(admin)
    html = admin.post(ADD, {**hidden, "_change": "1"}).content.decode()
    assert 'value="New hours"' in html
    assert "We open at nine." in html
    assert 'value="/Drops"' in html
    assert not Announcement.objects.exists()


def test_a_text_too_long_for_a_push_is_shown_as_it_will_be_cut(admin: Client) -> None:
    html, _hidden = preview(admin, body="🦊" * 1000)
    assert "It is longer than a push can be" in html
    assert html.count("🦊") < 2000  # once cut, once whole in the form


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("title", "", "An announcement needs a title."),
        ("title", " \u202e\t", "An announcement needs a title."),
        ("title", "x" * 201, "at most 200 characters"),
        ("body", "", "An announcement needs a text."),
        ("body", "x" * 1001, "at most 1000 characters"),
        ("url", "https://evil.example/", "a page of this site"),
        ("url", "//evil.example/", "a page of this site"),
        ("url", "/\\evil.example", "a page of this site"),
        ("url", "javascript:alert(1)", "a page of this site"),
        ("url", "Drops", "a page of this site"),
        ("url", "/Dro ps", "no spaces"),
        ("url", "/Dro\nps", "no spaces"),
        ("url", "/" + "x" * 500, "at most 500 characters"),
    ],
)
def test_what_cannot_be_announced_is_said_at_its_field(
    admin: Client, field: str, value: str, complaint: str
) -> None:
    html = admin.post(ADD, {**SAID, field: value, "_send": "1"}).content.decode()
    assert complaint in text_of(html)
    assert "Nothing is sent yet" in html
    assert not Announcement.objects.exists()


def test_a_null_character_is_refused(admin: Client) -> None:
    response = admin.post(ADD, {**SAID, "title": "a\0b", "_send": "1"})
    assert response.status_code < 500
    assert not Announcement.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://localhost:8000/Drops?x=1#y", "/Drops?x=1#y"),
        ("", "/Notifications"),
        ("/Support", "/Support"),
    ],
)
def test_a_link_becomes_a_path_of_this_site(admin: Client, given: str, kept: str) -> None:
    _html, hidden = preview(admin, url=given)
    assert hidden["url"] == kept


def test_a_link_to_no_page_is_remarked_on(admin: Client) -> None:
    html, _hidden = preview(admin, url="/Nowhere")
    assert "This site has no page there." in html


def test_what_is_written_is_shown_as_text(admin: Client) -> None:
    html, hidden = preview(admin, title="<script>alert(1)</script>")
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in hidden["title"]


def test_cancelling_stops_it_once(admin: Client, phone: Phone) -> None:
    announcement = send(admin)
    run_tasks()
    assert "Cancel this announcement" in detail(admin, announcement)
    path = f"{LIST}{announcement.pk}/cancellation/"
    first = admin.post(path, follow=True).content.decode()
    assert "nobody else is told" in first
    assert "nothing left to cancel" in admin.post(path, follow=True).content.decode()
    run_tasks()
    assert Delivery.objects.get().reason == "cancelled"
    assert "Cancel this announcement" not in detail(admin, announcement)
    assert admin.get(path).status_code == 405


def test_what_is_settled_moves_no_more(admin: Client) -> None:
    announcement = send(admin)
    run_tasks()
    tasks.tend_announcements.call()
    html = detail(admin, announcement)
    assert "data-announcement-moving" not in html
    assert "Cancel this announcement" not in html
    assert "1 of 1 person told" in text_of(html)


def test_the_figures_outlive_the_rows(admin: Client, outbox: Outbox, phone: Phone) -> None:
    announcement = send(admin)
    run_tasks()
    outbox.drain()
    tasks.tend_announcements.call()
    Delivery.objects.all().delete()
    announcement.notifications.all().delete()
    text = text_of(detail(admin, announcement))
    assert "2 of 2 people told" in text
    assert "1 accepted" in text


def test_the_list_takes_the_same_queries_for_one_and_for_many(admin: Client, phone: Phone) -> None:
    numbers = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            html = admin.get(LIST).content.decode()
        numbers.append(len(queries))
        for _announcement in range(3):
            _html, hidden = preview(admin)
            admin.post(ADD, {**hidden, "_send": "1"})
        run_tasks()
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        html = admin.get(LIST).content.decode()
    assert html.count("2 of 2") == 6
    assert len(queries) <= numbers[-1] + 3 < 25


def test_nothing_can_be_changed_or_deleted(admin: Client) -> None:
    announcement = send(admin)
    assert admin.post(announcement.get_absolute_url(), {"title": "Other"}).status_code == 405
    assert admin.post(f"{LIST}{announcement.pk}/delete/").status_code == 403
    assert Announcement.objects.get().title == "New hours"


@pytest.mark.parametrize("path", [f"{LIST}99/change/", f"{LIST}x/change/"])
def test_an_unknown_one_is_not_found(admin: Client, path: str) -> None:
    assert admin.get(path).status_code == 404


def test_each_permission_opens_its_own_pages(
    client: Client, admin: Client, stranger: User, colleague: User, owner: User
) -> None:
    announcement = send(admin)
    pages = (ADD, LIST, announcement.get_absolute_url(), f"{LIST}{announcement.pk}/cancellation/")
    expected = {
        (): [403, 403, 403, 403],
        ("view_announcement",): [403, 200, 200, 403],
        ("add_announcement",): [200, 200, 200, 403],
        ("change_announcement",): [403, 200, 200, 302],
    }
    for names, statuses in expected.items():
        visitor = with_permissions(Client(), colleague, *names)
        found = [
            (visitor.post if path.endswith("cancellation/") else visitor.get)(path).status_code
            for path in pages
        ]
        assert (names, found) == (names, statuses)
    client.logout()
    assert Client().get(LIST).status_code == 302
    assert Announcement.objects.get().state == "cancelled"


def test_the_cancel_button_is_for_whoever_may_cancel(admin: Client, colleague: User) -> None:
    announcement = send(admin)
    visitor = with_permissions(Client(), colleague, "view_announcement")
    assert "Cancel this announcement" not in detail(visitor, announcement)


def test_its_pages_have_no_inline_code(admin: Client) -> None:
    announcement = send(admin)
    html, _hidden = preview(admin)
    for page in (html, detail(admin, announcement)):
        main = page[page.index('id="content-main"') :]
        assert not re.search(r"\sstyle=|\son\w+=|<script(?![^>]*src=)", main)
