"""Registering, repairing and ending this browser's subscription; what is wrong is named, and nothing is stored."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Device, DeviceEvent, User
from push.delivery.encryption import base64url_encode
from push.delivery.endpoints import endpoint_hash
from push.models import Delivery, GoneEndpoint, Notification, Preference, Subscription
from tests.push.browsers import Browser, new_endpoint, new_keys, registration

URL = "/push/subscription"


@pytest.fixture
def browser(owner: User) -> Browser:
    return Browser(owner)


def test_subscribing_stores_one_row_turns_the_account_on_and_welcomes(browser: Browser) -> None:
    body = browser.subscribe()
    row = Subscription.objects.get()
    assert (row.user, row.device, row.endpoint) == (browser.user, browser.device, body["endpoint"])
    assert (row.service, row.state) == ("mozilla", "active")
    assert Preference.push_is_on(browser.user)
    facts = browser.facts()
    assert (facts["state"], facts["wanted"], facts["master"]) == ("active", True, True)
    assert (facts["hash"], facts["current"]) == (endpoint_hash(body["endpoint"]), True)
    assert Delivery.objects.get().kind == "push.welcome"


def test_subscribing_again_replaces_the_row(browser: Browser) -> None:
    browser.subscribe()
    second = browser.subscribe()
    assert Subscription.objects.get().endpoint == second["endpoint"]


def test_post_does_what_put_does(browser: Browser) -> None:
    assert browser.call("POST", URL, registration()).status_code == 200
    assert Subscription.objects.count() == 1


def test_an_answer_never_holds_the_endpoint(browser: Browser) -> None:
    body = browser.subscribe()
    assert body["endpoint"] not in browser.call("GET", URL).content.decode()
    assert body["keys"]["auth"] not in browser.client.get("/Account/Manage").content.decode()


def test_unsubscribing_deletes_the_row_and_is_remembered(browser: Browser) -> None:
    browser.subscribe()
    answer = browser.call("DELETE", URL)
    assert answer.json()["push"]["state"] == "none"
    assert answer.json()["push"]["wanted"] is False
    assert not Subscription.objects.exists()
    assert Delivery.objects.get().state == Delivery.State.DROPPED
    assert browser.call("DELETE", URL).status_code == 200


def test_a_repair_is_silent_and_written_down(browser: Browser) -> None:
    browser.subscribe()
    Notification.objects.all().delete()
    browser.subscribe(repair=True)
    assert not Notification.objects.exists()
    assert DeviceEvent.objects.filter(device=browser.device, what="push_repaired").count() == 1
    assert browser.facts()["repairs_left"] == 2


def test_a_repair_that_changes_nothing_does_not_count(browser: Browser) -> None:
    body = browser.subscribe()
    since = Subscription.objects.get().created_at
    assert browser.call("PUT", URL, body | {"repair": True}).status_code == 200
    assert browser.facts()["repairs_left"] == 3
    assert Subscription.objects.get().created_at == since


def test_after_three_repairs_in_a_day_the_fourth_is_refused_and_a_tap_still_works(
    browser: Browser,
) -> None:
    browser.subscribe()
    for _number in range(3):
        browser.subscribe(repair=True)
    refused = browser.call("PUT", URL, registration(repair=True))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "repairs_spent")
    browser.subscribe()
    DeviceEvent.objects.update(at=timezone.now() - timedelta(hours=25))
    browser.subscribe(repair=True)


def test_a_repair_of_what_is_not_wanted_is_refused(browser: Browser) -> None:
    browser.subscribe()
    browser.call("DELETE", URL)
    refused = browser.call("PUT", URL, registration(repair=True))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_wanted")
    assert not Subscription.objects.exists()


def test_an_endpoint_that_is_gone_is_refused_for_thirty_days(browser: Browser) -> None:
    body = registration()
    gone = GoneEndpoint.objects.create(endpoint_hash=endpoint_hash(body["endpoint"]))
    refused = browser.call("PUT", URL, body)
    assert refused.status_code == 409
    assert (refused.json()["error"]["code"], refused.json()["error"]["field"]) == (
        "endpoint_gone",
        "endpoint",
    )
    GoneEndpoint.objects.filter(pk=gone.pk).update(gone_at=timezone.now() - timedelta(days=31))
    assert browser.call("PUT", URL, body).status_code == 200


def test_an_endpoint_of_another_person_is_refused(browser: Browser, stranger: User) -> None:
    theirs = Browser(stranger).subscribe()
    refused = browser.call("PUT", URL, registration(endpoint=theirs["endpoint"]))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "endpoint_taken")
    half = registration(
        endpoint=theirs["endpoint"], keys=new_keys() | {"p256dh": theirs["keys"]["p256dh"]}
    )
    assert browser.call("PUT", URL, half).status_code == 409
    assert Subscription.objects.get().user == stranger


def test_whoever_holds_endpoint_and_both_keys_has_the_browser(
    browser: Browser, stranger: User
) -> None:
    before = Browser(stranger)
    theirs = before.subscribe()
    browser.subscribe(endpoint=theirs["endpoint"], keys=theirs["keys"])
    assert Subscription.objects.get().user == browser.user
    before.device.refresh_from_db()
    assert before.device.push_wanted is False
    waiting = Delivery.objects.filter(user=stranger)
    assert {delivery.state for delivery in waiting} == {Delivery.State.DROPPED}


BAD_ENDPOINTS = [
    "https://attacker.example/x.google.com/",
    "https://fcm.googleapis.com.evil.example/",
    "https://fcm.googleapis.com@evil.example/",
    "https://evilnotify.windows.com/",
    "https://permanently-removed.invalid/",
    "http://updates.push.services.mozilla.com/x",
    "https://127.0.0.1/x",
    "javascript:alert(1)",
    "junk",
    "",
    "\x00",
    "\ud800",
    "https://updates.push.services.mozilla.com/" + "x" * 3000,
    None,
    7,
    ["https://updates.push.services.mozilla.com/x"],
    {},
    True,
]


@pytest.mark.parametrize("endpoint", BAD_ENDPOINTS, ids=range(len(BAD_ENDPOINTS)))
def test_a_junk_endpoint_is_named_and_nothing_is_stored(browser: Browser, endpoint: Any) -> None:
    answer = browser.call("PUT", URL, registration(endpoint=endpoint))
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["endpoint"]
    assert answer.json()["errors"]["endpoint"][0]
    assert not Subscription.objects.exists()


SHORT = base64url_encode(b"x" * 15)
NOT_ON_THE_CURVE = base64url_encode(b"\x04" + b"\x01" * 64)
BAD_KEYS = [
    ({"auth": SHORT}, ["keys.auth"]),
    ({"auth": None}, ["keys.auth"]),
    ({"auth": "!"}, ["keys.auth"]),
    ({"auth": "x" * 5000}, ["keys.auth"]),
    ({"p256dh": SHORT}, ["keys.p256dh"]),
    ({"p256dh": NOT_ON_THE_CURVE}, ["keys.p256dh"]),
    ({"p256dh": 12}, ["keys.p256dh"]),
    ({"p256dh": "", "auth": ""}, ["keys.auth", "keys.p256dh"]),
]


@pytest.mark.parametrize(("keys", "named"), BAD_KEYS, ids=range(len(BAD_KEYS)))
def test_keys_of_no_use_are_named(browser: Browser, keys: dict[str, Any], named: list[str]) -> None:
    answer = browser.call("PUT", URL, registration(keys=new_keys() | keys))
    assert answer.status_code == 400
    assert sorted(answer.json()["errors"]) == named
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("keys", [None, [], "text", 3])
def test_keys_must_be_an_object(browser: Browser, keys: Any) -> None:
    answer = browser.call("PUT", URL, registration(keys=keys))
    assert sorted(answer.json()["errors"]) == ["keys.auth", "keys.p256dh"]


@pytest.mark.parametrize("key", [None, "", "junk", base64url_encode(b"\x04" * 65), 5])
def test_a_key_that_is_not_ours_is_named(browser: Browser, key: Any) -> None:
    answer = browser.call("PUT", URL, registration(key=key))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["key"])


@pytest.mark.parametrize("repair", ["yes", 1, [], {}])
def test_repair_is_true_or_false(browser: Browser, repair: Any) -> None:
    answer = browser.call("PUT", URL, registration(repair=repair))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["repair"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"", "not_json"),
        (b"[" * 5000, "not_json"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(browser: Browser, body: bytes, code: str) -> None:
    answer = browser.call("POST", URL, body)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == (code, "body")


def test_a_body_of_two_megabytes_is_refused_unread(browser: Browser) -> None:
    answer = browser.call("POST", URL, b'{"endpoint": "' + b"x" * 2_000_000 + b'"}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_another_method_is_told_which_there_are(browser: Browser) -> None:
    answer = browser.call("PATCH", URL, {})
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, POST, PUT, DELETE"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_whoever_is_signed_out_hears_it_in_json(client: Client, db: None, method: str) -> None:
    answer = client.generic(method, URL, b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")


def test_without_the_csrf_token_nothing_is_stored(owner: User) -> None:
    browser = Browser(owner, Client(enforce_csrf_checks=True))
    assert browser.call("PUT", URL, registration()).status_code == 403
    assert browser.call("DELETE", URL).status_code == 403
    assert not Subscription.objects.exists()


def test_a_previous_key_is_taken_and_known_as_not_current(browser: Browser, settings: Any) -> None:
    body = browser.subscribe()
    from push.delivery.vapid import generate

    old = (settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY)
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = generate()
    settings.WEBPUSH_PREVIOUS_KEYS = [old]
    assert browser.facts()["current"] is False
    assert browser.call("PUT", URL, body).status_code == 200
    browser.subscribe(key=settings.WEBPUSH_PUBLIC_KEY, repair=True)
    assert browser.facts()["current"] is True


def test_facts_count_the_other_devices(browser: Browser, owner: User) -> None:
    Browser(owner).subscribe()
    assert browser.facts()["others"] == 1
    assert browser.facts()["state"] == "none"


def test_a_session_that_ran_out_leaves_push_on_and_a_sign_out_ends_it(browser: Browser) -> None:
    browser.subscribe()
    kept = browser.client.cookies.copy()
    browser.client.cookies.pop(settings.SESSION_COOKIE_NAME)
    assert browser.client.get(URL).json() == {"subscribed": True}
    browser.client.cookies = kept
    browser.client.post("/Account/Logout")
    assert browser.client.get(URL).json() == {"subscribed": False}
    assert not Subscription.objects.exists()


def test_without_a_device_cookie_nobody_learns_anything(client: Client, db: None) -> None:
    assert client.get(URL).json() == {"subscribed": False}


def change(browser: Browser, old_endpoint: str, **changes: Any) -> Any:
    body = registration(**changes) | {"old_endpoint": old_endpoint}
    return browser.call("POST", f"{URL}/change", body)


def test_the_worker_may_change_the_endpoint_of_its_own_device(owner: User) -> None:
    browser = Browser(owner, Client())
    old = browser.subscribe()
    browser.client.handler.enforce_csrf_checks = True
    new = new_endpoint()
    assert change(browser, old["endpoint"], endpoint=new).status_code == 200
    assert Subscription.objects.get().endpoint == new
    assert DeviceEvent.objects.filter(what="push_repaired").count() == 1


def test_the_worker_must_know_the_old_endpoint(browser: Browser, stranger: User) -> None:
    browser.subscribe()
    theirs = Browser(stranger).subscribe()
    for wrong in (new_endpoint(), theirs["endpoint"]):
        answer = change(browser, wrong)
        assert answer.status_code == 404
        assert answer.json()["error"]["field"] == "old_endpoint"
    assert list(change(browser, "").json()["errors"]) == ["old_endpoint"]
    assert DeviceEvent.objects.filter(what="push_repaired").count() == 0


def test_the_worker_is_refused_without_a_session(client: Client, owner: User) -> None:
    old = Browser(owner).subscribe()
    answer = client.post(
        f"{URL}/change",
        registration() | {"old_endpoint": old["endpoint"]},
        content_type="application/json",
    )
    assert answer.status_code == 401
    assert Subscription.objects.get().endpoint == old["endpoint"]


def test_the_account_can_be_paused_and_resumed(browser: Browser) -> None:
    browser.subscribe()
    paused = browser.call("POST", "/push/master", {"enabled": False}).json()["push"]
    assert (paused["master"], paused["state"]) == (False, "active")
    assert browser.call("POST", "/push/master", {"enabled": True}).json()["push"]["master"] is True


@pytest.mark.parametrize("body", [{}, {"enabled": None}, {"enabled": "on"}, {"enabled": 1}])
def test_the_switch_takes_true_or_false(browser: Browser, body: dict[str, Any]) -> None:
    answer = browser.call("POST", "/push/master", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["enabled"])
    assert not Preference.objects.exists()


def test_a_deny_ends_push_here_and_nothing_else(browser: Browser) -> None:
    browser.subscribe()
    browser.call("POST", "/push/permission", {"state": "granted"})
    assert browser.facts()["wanted"] is True
    facts = browser.call("POST", "/push/permission", {"state": "denied"}).json()["push"]
    assert (facts["wanted"], facts["state"], facts["master"]) == (False, "none", True)
    junk = browser.call("POST", "/push/permission", {"state": "maybe"})
    assert (junk.status_code, list(junk.json()["errors"])) == (400, ["state"])


def test_the_banner_stays_away_from_this_device_for_thirty_days(
    browser: Browser, owner: User
) -> None:
    other = Browser(owner)
    assert browser.call("POST", "/push/banner/dismissal", {}).json()["push"]["dismissed"] is True
    assert other.facts()["dismissed"] is False
    DeviceEvent.objects.update(at=timezone.now() - timedelta(days=31))
    assert browser.facts()["dismissed"] is False


def test_facts_cost_one_query(browser: Browser, django_assert_num_queries: Any) -> None:
    from push.views.facts import facts_of

    browser.subscribe()
    device = Device.objects.get()
    with django_assert_num_queries(1):
        assert facts_of(device).state == "active"


def test_half_a_character_is_no_text(browser: Browser) -> None:
    body = b'{"old_endpoint": "\\ud800", "endpoint": "\\udfff"}'
    answer = browser.call("POST", f"{URL}/change", body)
    assert answer.status_code == 400
    assert {"old_endpoint", "endpoint"} <= answer.json()["errors"].keys()


def test_nothing_hides_among_the_keys(browser: Browser) -> None:
    """The service worker's report is a repair, whatever it says: it turns nothing on and welcomes nobody."""
    old = browser.subscribe()
    browser.call("POST", "/push/master", {"enabled": False})
    hidden = new_keys() | {"repair": False, "endpoint": "https://evil.example/"}
    report = registration(keys=hidden) | {"old_endpoint": old["endpoint"]}
    assert browser.call("POST", f"{URL}/change", report).status_code == 200
    assert Subscription.objects.get().endpoint == report["endpoint"]
    assert browser.facts()["master"] is False
    assert Delivery.objects.count() == 1


def register(browser: Browser, times: int) -> list[int]:
    answers = [browser.call("PUT", URL, registration()) for _time in range(times)]
    return [answer.status_code for answer in answers]


def test_the_eleventh_registration_within_a_minute_is_refused(browser: Browser) -> None:
    assert register(browser, 10) == [200] * 10
    kept = Subscription.objects.get()
    refused = browser.call("PUT", URL, registration())
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_often")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Try again in" in refused.json()["error"]["message"]
    assert Subscription.objects.get() == kept
    assert Notification.objects.filter(kind="push.welcome").count() == 10


def test_the_limit_is_a_persons_on_all_devices_together(browser: Browser, owner: User) -> None:
    other = Browser(owner)
    assert register(browser, 5) + register(other, 5) == [200] * 10
    assert register(browser, 1) + register(other, 1) == [429, 429]


def test_somebody_else_is_not_concerned(browser: Browser, stranger: User) -> None:
    register(browser, 10)
    assert register(Browser(stranger), 1) == [200]


def test_after_the_wait_it_is_taken_again(browser: Browser) -> None:
    register(browser, 10)
    wait = int(browser.call("PUT", URL, registration()).headers["Retry-After"])
    with time_machine.travel(timezone.now() + timedelta(seconds=wait), tick=False):
        assert register(browser, 1) == [200]


def test_what_only_says_the_same_again_is_never_too_often(browser: Browser) -> None:
    body = browser.subscribe()
    for _time in range(15):
        assert browser.call("PUT", URL, body | {"repair": True}).status_code == 200
    assert browser.call("DELETE", URL).status_code == 200


def test_a_stranger_writes_nothing_and_costs_one_query(
    client: Client, db: None, django_assert_max_num_queries: Any
) -> None:
    client.cookies["fli_device"] = "x" * 43
    with django_assert_max_num_queries(1) as queries:
        assert client.get(URL).status_code == 200
        assert client.post(URL, {}, content_type="application/json").status_code == 401
    assert not [query["sql"] for query in queries if not query["sql"].startswith("SELECT")]
