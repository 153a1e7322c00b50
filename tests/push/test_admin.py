"""Push in the admin: everything to look at, nothing to change, no secret."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import read_only_admin
from accounts.models import User
from push.delivery.reasons import REASONS
from push.health import queue
from push.models import Delivery, ServiceState
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db

LISTS = ("delivery", "subscription", "notification", "servicestate", "preference")


@pytest.fixture
def admin(client: Client, stranger: User) -> Client:
    User.objects.filter(pk=stranger.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=stranger.pk))
    return client


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/push/{path}/")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("name", LISTS)
def test_each_list_opens_and_offers_no_addition(
    admin: Client, outbox: Outbox, phone: Phone, name: str
) -> None:
    outbox.delivery(phone)
    ServiceState.objects.create(service="fcm")
    assert f"/admin/push/{name}/add/" not in page(admin, name)
    assert admin.get(f"/admin/push/{name}/add/").status_code == 403


def test_a_subscription_shows_neither_endpoint_nor_keys(
    admin: Client, outbox: Outbox, phone: Phone
) -> None:
    row = phone.subscription
    for path in ("subscription", f"subscription/{row.pk}/change"):
        shown = page(admin, path)
        assert f"{row.endpoint_hash[:8]}…" in shown
        assert row.endpoint_hash not in shown
        assert phone.browser.token not in shown
        assert row.endpoint not in shown


def test_a_delivery_says_its_reason_in_words_and_no_location(
    admin: Client, outbox: Outbox, phone: Phone
) -> None:
    row = outbox.delivery(
        phone, state=Delivery.State.GONE, reason="gone", location="https://secret"
    )
    assert "The browser has ended this subscription." in page(admin, "delivery")
    assert "https://secret" not in page(admin, f"delivery/{row.pk}/change")


def test_nothing_can_be_changed_or_deleted(admin: Client, outbox: Outbox, phone: Phone) -> None:
    row = outbox.delivery(phone)
    response = admin.post(f"/admin/push/delivery/{row.pk}/change/", {"state": "accepted"})
    assert response.status_code == 403
    assert admin.post(f"/admin/push/delivery/{row.pk}/delete/").status_code == 403
    row.refresh_from_db()
    assert row.state == Delivery.State.PENDING


def test_a_list_counts_no_further_than_it_must(
    outbox: Outbox, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_only_admin, "COUNTED", 3)
    for _row in range(5):
        outbox.delivery(phone)
    assert read_only_admin.BoundedPaginator(Delivery.objects.order_by("pk"), 2).count == 3


def test_an_admin_resumes_a_paused_service(admin: Client) -> None:
    until = timezone.now() + timedelta(hours=1)
    ServiceState.objects.create(service="fcm", reason="refused", open_until=until)
    response = admin.post(
        "/admin/push/servicestate/",
        {"action": "resume", "_selected_action": ["fcm"]},
        follow=True,
    )
    assert "1 push service is sent to again." in response.content.decode()
    assert ServiceState.objects.get().open_until is None


def paused(service: str, reason: str = "refused", **fields: Any) -> ServiceState:
    now = timezone.now()
    times = {"opened_at": now, "open_until": now + timedelta(hours=1)} | fields
    return ServiceState.objects.create(service=service, reason=reason, **times)


def test_a_paused_service_says_why_and_what_waits(
    admin: Client, outbox: Outbox, phone: Phone
) -> None:
    host = phone.subscription.service
    paused(host, failures=3)
    for _row in range(3):
        outbox.delivery(phone)
    outbox.delivery(phone, state=Delivery.State.ACCEPTED)
    for path in ("servicestate", f"servicestate/{quote(host)}/change"):
        shown = page(admin, path)
        assert str(REASONS["refused"].title) in unescape(shown)
        assert re.search(r'class="(?:field-state_in_words">|readonly">)paused<', shown)
        assert re.search(r'class="(?:field-waiting">|readonly">)3<', shown)
        assert "+00:00" not in shown


def test_a_service_that_is_tried_again_and_one_that_works_say_so(admin: Client) -> None:
    paused("fcm", open_until=timezone.now() - timedelta(seconds=1))
    ServiceState.objects.create(service="apple")
    states = re.findall(r'class="field-state_in_words">([^<]+)<', page(admin, "servicestate"))
    assert states == ["trying again", "works"]


def test_a_million_waiting_rows_are_not_counted(
    admin: Client, outbox: Outbox, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "COUNTED", 2)
    paused(phone.subscription.service)
    for _row in range(4):
        outbox.delivery(phone)
    assert '"field-waiting">2+<' in page(admin, "servicestate")


def test_the_list_of_services_takes_the_same_queries_for_one_and_for_many(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    paused("push0")
    page(admin, "servicestate")
    with django_assert_max_num_queries(20) as one:
        page(admin, "servicestate")
    for number in range(1, 12):
        paused(f"push{number}")
    with django_assert_max_num_queries(20) as many:
        page(admin, "servicestate")
    assert len(one) == len(many)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("delivery/?service=fcm", "0 deliveries"),
        ("delivery/?kind=drops.received", "0 deliveries"),
        ("delivery/?kind=a.kind", "1 delivery"),
        ("subscription/?service=fcm", "0 subscriptions"),
        ("subscription/?key_id=other", "0 subscriptions"),
    ],
)
def test_a_filter_shows_what_it_says(
    admin: Client, outbox: Outbox, phone: Phone, path: str, found: str
) -> None:
    outbox.delivery(phone)
    assert found in admin.get(f"/admin/push/{path}", follow=True).content.decode()


def test_no_filter_reads_the_whole_table_for_its_choices(
    admin: Client, outbox: Outbox, phone: Phone
) -> None:
    outbox.delivery(phone)
    for name in LISTS:
        with CaptureQueriesContext(connection) as queries:
            page(admin, name)
        assert not [query["sql"] for query in queries if "DISTINCT" in query["sql"]]
