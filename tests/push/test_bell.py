"""Bell, badge and banner in the top bar, and ``/Notifications`` behind them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from drops.models import Drop
from push.models import Notification
from tests.push.browsers import Browser


@pytest.fixture
def browser(owner: User) -> Browser:
    return Browser(owner)


def notify(user: User, number: int = 1, **fields: Any) -> list[Notification]:
    start = Notification.objects.count()
    now = timezone.now()
    return Notification.objects.bulk_create(
        Notification(
            **{
                "user": user,
                "kind": "a.kind",
                "event_key": f"{start + index}",
                "title": f"Title {start + index}",
                "url": "/Drops",
                "created_at": now - timedelta(seconds=number - index),
            }
            | fields
        )
        for index in range(number)
    )


def badge(browser: Browser, path: str = "/Notifications") -> str:
    html = browser.client.get(path).content.decode()
    found = re.search(r'data-testid="bell-badge"([^>]*)>\s*<span data-push-count>([^<]*)<', html)
    assert found
    return "" if "hidden" in found[1] else found[2]


def titles(answer: Any) -> list[str]:
    return [line.notification.title for line in answer.context["lines"]]


def test_the_badge_counts_what_is_unread_and_is_hidden_at_none(browser: Browser) -> None:
    assert badge(browser) == ""
    notify(browser.user, 3)
    assert badge(browser) == "3"
    notify(browser.user, 97)
    assert badge(browser) == "99+"


def test_what_was_done_on_this_device_is_read_here_and_unread_elsewhere(
    browser: Browser, owner: User
) -> None:
    other = Browser(owner)
    Drop.send(sender=owner, recipient=owner, text="Milk", device=browser.device)
    assert badge(browser) == ""
    assert badge(other) == "1"


def test_tests_and_welcomes_are_not_counted(browser: Browser) -> None:
    notify(browser.user, 1, in_bell=False)
    assert badge(browser) == ""
    assert titles(browser.client.get("/Notifications")) == []


def test_opening_marks_read_and_goes_where_it_happened(browser: Browser) -> None:
    [row] = notify(browser.user)
    answer = browser.client.get(f"/Notifications/{row.public_id}")
    assert (answer.status_code, answer["Location"]) == (302, "/Drops")
    row.refresh_from_db()
    assert row.read_at is not None
    assert badge(browser) == ""


def test_looking_whether_it_is_there_does_not_read_it(browser: Browser) -> None:
    [row] = notify(browser.user)
    browser.client.head(f"/Notifications/{row.public_id}")
    row.refresh_from_db()
    assert row.read_at is None


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:x", ""])
def test_opening_never_leaves_the_site(browser: Browser, url: str) -> None:
    [row] = notify(browser.user, url=url)
    assert browser.client.get(f"/Notifications/{row.public_id}")["Location"] == "/Notifications"


def test_one_can_be_marked_read_and_then_all(browser: Browser, stranger: User) -> None:
    rows = notify(browser.user, 3)
    [theirs] = notify(stranger)
    answer = browser.client.post(f"/Notifications/{rows[0].public_id}/reading")
    assert answer["Location"] == "/Notifications"
    assert badge(browser) == "2"
    assert browser.client.post("/Notifications/reading")["Location"] == "/Notifications"
    assert badge(browser) == ""
    theirs.refresh_from_db()
    assert theirs.read_at is None


def test_reading_needs_a_post_and_a_csrf_token(browser: Browser) -> None:
    [row] = notify(browser.user)
    assert browser.client.get("/Notifications/reading").status_code in (404, 405)
    assert browser.client.get(f"/Notifications/{row.public_id}/reading").status_code == 405
    browser.client.handler.enforce_csrf_checks = True
    assert browser.client.post("/Notifications/reading").status_code == 403
    row.refresh_from_db()
    assert row.read_at is None


def test_who_must_sign_in_first_comes_back_to_the_page(browser: Browser) -> None:
    [row] = notify(browser.user)
    browser.client.logout()
    for path in ("/Notifications/reading", f"/Notifications/{row.public_id}/reading"):
        answer = browser.client.post(path)
        assert answer["Location"] == "/Account/Login?next=/Notifications"


def test_strangers_find_nothing(browser: Browser, stranger: User) -> None:
    [row] = notify(stranger)
    for method, path in (
        ("GET", f"/Notifications/{row.public_id}"),
        ("POST", f"/Notifications/{row.public_id}/reading"),
        ("GET", f"/Notifications?before={row.public_id}"),
    ):
        assert browser.client.generic(method, path).status_code == 404
    row.refresh_from_db()
    assert row.read_at is None


def test_the_list_is_paged_newest_first_and_loses_none(browser: Browser) -> None:
    moment = timezone.now()
    notify(browser.user, 40)
    notify(browser.user, 40, created_at=moment)  # many at one instant
    seen: list[str] = []
    path: str | None = "/Notifications"
    while path:
        answer = browser.client.get(path)
        seen += titles(answer)
        older = answer.context["older"]
        path = f"/Notifications?before={older.public_id}" if older else None
    expected = Notification.objects.bell(browser.user).values_list("title", flat=True)
    assert seen == list(expected)
    assert len(seen) == 80


def test_the_list_costs_the_same_however_long_it_is(
    browser: Browser, django_assert_max_num_queries: Any
) -> None:
    notify(browser.user)
    with django_assert_max_num_queries(15) as few:
        browser.client.get("/Notifications")
    notify(browser.user, 200)
    with django_assert_max_num_queries(15) as many:
        browser.client.get("/Notifications")
    assert len(few) == len(many)


def test_an_empty_list_says_what_will_be_there(browser: Browser) -> None:
    assert "Nothing has happened yet" in browser.client.get("/Notifications").content.decode()


def test_titles_of_strangers_are_text(browser: Browser) -> None:
    notify(browser.user, title="<script>alert(1)</script>", body="<b>bold</b>")
    for path in ("/Notifications", "/Notifications/latest", "/"):
        html = browser.client.get(path).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html


def test_the_bells_list_can_be_had_alone(browser: Browser) -> None:
    notify(browser.user, 7)
    html = browser.client.get("/Notifications/latest").content.decode()
    assert re.findall(r"Title \d", html) == [f"Title {number}" for number in (6, 5, 4, 3, 2)]
    assert "<html" not in html


def test_the_bar_costs_at_most_four_queries(
    browser: Browser, django_assert_max_num_queries: Any
) -> None:
    from django.test import RequestFactory

    from push.views.context import bar

    request = RequestFactory().get("/")
    request.user, request.device = browser.user, browser.device  # type: ignore[attr-defined]
    push = bar(request)["push"]
    with django_assert_max_num_queries(4):
        assert (push.facts.state, push.unread, push.latest) == ("none", 0, [])
        assert all([push.facts_json, push.urls_json, push.events_token, push.public_key])
        assert bar(request)["push"] is push


def test_signed_out_pages_have_no_bell_and_cost_no_query(
    client: Client, db: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        html = client.get("/Account/Login").content.decode()
    assert "data-push-bell" not in html
    assert "data-push-page" not in html


def test_hooks_are_on_every_page(browser: Browser) -> None:
    for path in ("/", "/Drops", "/Notifications", "/Account/Manage"):
        html = browser.client.get(path).content.decode()
        for hook in ("bell", "bell-dot", "bell-badge", "push-banner", "push-banner-enable"):
            assert html.count(f'data-testid="{hook}"') == 1, (path, hook)
        banner = re.search(r"<section class=\"push-banner[^>]*>", html)
        assert banner
        assert "d-none" in banner[0]
