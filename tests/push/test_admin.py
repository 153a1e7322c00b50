"""Push in the admin: everything to look at, nothing to change, no secret."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import read_only_admin
from accounts.models import User
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
