"""The lasting device behind each signed-in browser."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.test import Client, override_settings

from accounts.models import Device, User
from accounts.models.device import COOKIE, MAX_DEVICES, new_secret
from accounts.tasks import clear_expired_sessions
from push.models import Subscription
from tests.accounts.conftest import (
    Browser,
    device_of,
    has_push,
    is_signed_in,
    sign_in,
    subscribe,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_signing_in_makes_a_device_named_after_the_browser(browser: Browser, owner: User) -> None:
    client = browser(owner)
    device = device_of(client)
    assert (device.user, device.name, device.push_wanted) == (owner, "Firefox on Linux", False)
    assert client.cookies[COOKIE].value not in (device.secret_hash, device.public_id)


def test_the_same_browser_stays_the_same_device(browser: Browser, owner: User) -> None:
    client = browser(owner)
    first = device_of(client)
    client.post("/Account/Logout")
    sign_in(client, owner.email)
    assert device_of(client) == first
    assert Device.objects.count() == 1


def test_another_browser_is_another_device(browser: Browser, owner: User) -> None:
    assert device_of(browser(owner)) != device_of(browser(owner))


def test_a_forged_cookie_is_replaced_by_one_of_ours(browser: Browser, owner: User) -> None:
    client = browser()
    client.cookies[COOKIE] = "0" * 32
    sign_in(client, owner.email)
    assert client.cookies[COOKIE].value != "0" * 32
    assert not Device.objects.for_browser("0" * 32).exists()
    assert device_of(client).user == owner


@pytest.mark.parametrize("junk", ["", "x", "\x7fé", "a" * 5000, "'; DROP TABLE accounts_device"])
def test_junk_in_the_cookie_hurts_nobody(browser: Browser, owner: User, junk: str) -> None:
    client = browser()
    client.cookies[COOKIE] = junk
    assert sign_in(client, owner.email) == 302
    assert is_signed_in(client)


def test_another_persons_public_id_is_no_key(browser: Browser, owner: User, stranger: User) -> None:
    theirs = device_of(browser(owner))
    subscription = subscribe(theirs)
    thief = browser()
    thief.cookies[COOKIE] = theirs.public_id
    sign_in(thief, stranger.email)
    assert has_push(theirs)
    assert Subscription.objects.get() == subscription


def test_signing_out_ends_push_on_this_device_alone(browser: Browser, owner: User) -> None:
    here, elsewhere = browser(owner), browser(owner)
    subscribe(device_of(here))
    subscribe(device_of(elsewhere))
    here.post("/Account/Logout")
    assert not is_signed_in(here)
    assert not has_push(device_of(here))
    assert has_push(device_of(elsewhere))


def test_signing_out_happens_whole_or_not_at_all(browser: Browser, owner: User) -> None:
    client = browser(owner)
    subscribe(device_of(client))

    def fail(**_named: object) -> None:
        raise RuntimeError("The disk is full")

    user_logged_out.connect(fail)
    try:
        with pytest.raises(RuntimeError, match="The disk is full"):
            client.post("/Account/Logout")
    finally:
        user_logged_out.disconnect(fail)
    assert is_signed_in(client)
    assert has_push(device_of(client))


def test_a_session_that_merely_expires_leaves_push_on(browser: Browser, owner: User) -> None:
    client = browser(owner)
    device = device_of(client)
    subscribe(device)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31)):
        assert not is_signed_in(client)
        clear_expired_sessions.func()
        assert has_push(device)
        sign_in(client, owner.email)
        assert device_of(client) == device
        assert has_push(device)


class TestTwoPeopleInOneBrowser:
    def test_the_newcomer_ends_the_others_push(
        self, browser: Browser, owner: User, colleague: User
    ) -> None:
        client = browser(owner)
        theirs = device_of(client)
        subscribe(theirs)
        client.cookies.pop("sessionid")  # expired, not signed out
        assert has_push(theirs)
        sign_in(client, colleague.email)
        assert not has_push(theirs)
        mine = Device.objects.get(user=colleague)
        assert mine.secret_hash == theirs.secret_hash
        assert mine.public_id != theirs.public_id
        assert not has_push(mine)

    def test_coming_back_does_not_bring_push_back(
        self, browser: Browser, owner: User, colleague: User
    ) -> None:
        client = browser(owner)
        theirs = device_of(client)
        subscribe(theirs)
        client.post("/Account/Logout")
        sign_in(client, colleague.email)
        client.post("/Account/Logout")
        sign_in(client, owner.email)
        assert Device.objects.get(user=owner) == theirs
        assert not has_push(theirs)

    def test_other_browsers_of_the_other_person_are_not_touched(
        self, browser: Browser, owner: User, colleague: User
    ) -> None:
        elsewhere = device_of(browser(owner))
        subscribe(elsewhere)
        client = browser(owner)
        client.cookies.pop("sessionid")
        sign_in(client, colleague.email)
        assert has_push(elsewhere)

    def test_a_failed_sign_in_takes_nothing_over(
        self, browser: Browser, owner: User, colleague: User
    ) -> None:
        client = browser(owner)
        theirs = device_of(client)
        subscribe(theirs)
        client.cookies.pop("sessionid")
        sign_in(client, colleague.email, "wrong")
        assert has_push(theirs)

    def test_a_sign_in_that_breaks_off_takes_nothing_over(
        self, browser: Browser, owner: User, colleague: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.CRITICAL)
        client = browser(owner)
        theirs = device_of(client)
        subscribe(theirs)
        client.cookies.pop("sessionid")
        with override_settings(ACCOUNT_ADAPTER="tests.accounts.broken.Adapter"):
            client.raise_request_exception = False
            assert sign_in(client, colleague.email) == 500
        assert has_push(theirs)
        assert not Device.objects.filter(user=colleague).exists()


class TestTheSessionBelongsToItsBrowser:
    def test_a_stolen_session_cookie_alone_opens_nothing(
        self, browser: Browser, owner: User
    ) -> None:
        client = browser(owner)
        thief = browser()
        thief.cookies["sessionid"] = client.cookies["sessionid"].value
        assert not is_signed_in(thief)
        assert Device.objects.count() == 1

    def test_nor_with_another_device_of_the_same_person(
        self, browser: Browser, owner: User
    ) -> None:
        client, other = browser(owner), browser(owner)
        other.cookies["sessionid"] = client.cookies["sessionid"].value
        assert not is_signed_in(other)

    def test_push_stays_when_a_stolen_session_is_ended(self, browser: Browser, owner: User) -> None:
        client = browser(owner)
        subscribe(device_of(client))
        thief = browser()
        thief.cookies["sessionid"] = client.cookies["sessionid"].value
        is_signed_in(thief)
        assert has_push(device_of(client))

    def test_a_session_from_elsewhere_gets_its_device_at_the_first_request(
        self, owner: User
    ) -> None:
        """Made by a script, say, not by signing in."""
        client = Client()
        client.force_login(owner)
        assert is_signed_in(client)
        assert device_of(client).user == owner
        assert is_signed_in(client)
        assert Device.objects.count() == 1


class TestAtMostTwentyDevices:
    def test_the_least_recently_seen_goes_with_its_subscription(
        self, browser: Browser, owner: User
    ) -> None:
        for age in range(MAX_DEVICES):
            device = Device.sign_in(owner, new_secret(), name=f"Old {age}")
            seen = NOON - timedelta(days=age)
            Device.objects.filter(pk=device.pk).update(last_seen_at=seen)
        oldest = Device.objects.get(name=f"Old {MAX_DEVICES - 1}")
        subscribe(oldest)
        newest = device_of(browser(owner))
        names = set(owner.devices.values_list("name", flat=True))
        assert len(names) == MAX_DEVICES
        assert newest.name in names
        assert oldest.name not in names
        assert not Subscription.objects.exists()

    def test_other_peoples_devices_do_not_count(
        self, browser: Browser, owner: User, stranger: User
    ) -> None:
        for number in range(MAX_DEVICES):
            Device.sign_in(stranger, new_secret(), name=str(number))
        browser(owner)
        assert stranger.devices.count() == MAX_DEVICES

    def test_signing_in_again_on_a_known_one_removes_none(
        self, browser: Browser, owner: User
    ) -> None:
        client = browser(owner)
        for number in range(MAX_DEVICES - 1):
            Device.sign_in(owner, new_secret(), name=str(number))
        client.post("/Account/Logout")
        sign_in(client, owner.email)
        assert owner.devices.count() == MAX_DEVICES


class TestLastSeen:
    def test_it_is_written_at_most_every_five_minutes(self, browser: Browser, owner: User) -> None:
        with time_machine.travel(NOON, tick=False) as clock:
            client = browser(owner)
            clock.shift(timedelta(minutes=4))
            client.get("/Account/Password/Change")
            assert device_of(client).last_seen_at == NOON
            clock.shift(timedelta(minutes=1))
            client.get("/Account/Password/Change")
            assert device_of(client).last_seen_at == NOON + timedelta(minutes=5)

    def test_the_cookie_is_renewed_then(self, browser: Browser, owner: User) -> None:
        with time_machine.travel(NOON, tick=False) as clock:
            client = browser(owner)
            secret = client.cookies[COOKIE].value
            assert COOKIE not in client.get("/Account/Password/Change").cookies
            clock.shift(timedelta(days=20))
            renewed = client.get("/Account/Password/Change").cookies[COOKIE]
            assert renewed.value == secret
            assert renewed["max-age"] == 400 * 24 * 60 * 60


def test_the_cookie_is_secure_on_https(owner: User) -> None:
    with override_settings(SESSION_COOKIE_SECURE=True):
        client = Client()
        sign_in(client, owner.email)
        assert client.cookies[COOKIE]["secure"]


def test_a_receiver_of_djangos_own_signal_sees_one_sign_in(browser: Browser, owner: User) -> None:
    seen: list[object] = []

    def note(user: User, **_named: object) -> None:
        seen.append(user)

    user_logged_in.connect(note)
    try:
        browser(owner)
    finally:
        user_logged_in.disconnect(note)
    assert seen == [owner]
