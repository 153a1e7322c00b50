"""The card "Notification preferences": each kind has a switch, and off means neither bell nor push."""

import pytest

from accounts.models import User
from drops.models import Drop
from push.models import Delivery, KindPreference, Notification, Preference
from push.notices.kinds import KINDS
from tests.push.browsers import Browser
from tests.push.conftest import Outbox, Phone

ADDRESS = "/push/preferences"


@pytest.fixture
def browser(owner: User) -> Browser:
    return Browser(owner)


def send_drop(user: User) -> Drop:
    return Drop.send(sender=user, recipient=user, text="for the other device", device=None)


def on_page(browser: Browser) -> str:
    page: str = browser.client.get("/Account/Manage").content.decode()
    return page


def test_a_new_account_has_every_kind_on_and_no_row(browser: Browser) -> None:
    page = on_page(browser)
    for kind in KINDS:
        offered = f'value="{kind.name}"' in page
        assert offered == (kind.bell and not kind.staff_only), kind.name
    assert not KindPreference.objects.exists()


def test_administrators_are_offered_their_kinds_too(browser: Browser) -> None:
    User.objects.filter(pk=browser.user.pk).update(is_staff=True)
    assert 'value="push.service_failing"' in on_page(browser)


def test_only_departures_are_stored_and_taken_back(browser: Browser) -> None:
    wanted = [kind.name for kind in KINDS if kind.name != "drops.received"]
    answer = browser.client.post(ADDRESS, {"kind": wanted, "push_enabled": "on"})
    assert answer["Location"].endswith("/Account/Manage#preferences")
    assert [row.kind for row in KindPreference.objects.all()] == ["drops.received"]
    assert Preference.push_is_on(browser.user)
    browser.client.post(ADDRESS, {"kind": [*wanted, "drops.received"]})
    assert not KindPreference.objects.exists()
    assert not Preference.push_is_on(browser.user)


def test_a_kind_that_is_off_makes_no_notification_and_no_delivery(
    outbox: Outbox, owner: User
) -> None:
    outbox.phone(owner)
    KindPreference.objects.create(user=owner, kind="drops.received")
    send_drop(owner)
    assert not Notification.objects.exists()
    assert not Delivery.objects.exists()


def test_one_persons_switch_is_not_anothers(outbox: Outbox, owner: User, colleague: User) -> None:
    outbox.phone(owner)
    KindPreference.objects.create(user=colleague, kind="drops.received")
    send_drop(owner)
    assert Notification.objects.get().user == owner


def test_a_push_that_waits_is_dropped_when_its_kind_is_switched_off(
    outbox: Outbox, owner: User
) -> None:
    phone: Phone = outbox.phone(owner)
    send_drop(owner)
    KindPreference.objects.create(user=owner, kind="drops.received")
    outbox.drain()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == (Delivery.State.DROPPED, "not_wanted")
    assert phone.browser.requests() == []


def test_junk_and_unknown_kinds_change_nothing(browser: Browser) -> None:
    every = [kind.name for kind in KINDS]
    answer = browser.client.post(ADDRESS, {"kind": [*every, "no.such", "\x00", "x" * 5000]})
    assert answer.status_code == 302
    assert not KindPreference.objects.exists()


def test_strangers_are_asked_to_sign_in(browser: Browser) -> None:
    browser.client.logout()
    answer = browser.client.post(ADDRESS, {"kind": []})
    assert answer["Location"].startswith("/Account/Login")
    assert not KindPreference.objects.exists()
