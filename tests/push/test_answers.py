"""Every row of the table of answers, with the bodies and headers that the vendors send."""

import json
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.delivery.answers import (
    MAX_RETRY_AFTER,
    REASONS,
    Answer,
    Outcome,
    classify,
    classify_failure,
    conceal,
    sanitise,
)

NOW = 1_800_000_000.0
ENDPOINT = (
    "https://fcm.googleapis.com/fcm/send/dSbTwHYXBxQ:APA91bH4-PaLpK68Wfd2iUrnHnIsEVYFbVdocX0K"
)


def classified(status: int, body: bytes = b"", service: str = "fcm", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(status, named, body, service, NOW)


def apple(reason: str) -> bytes:
    return json.dumps({"reason": reason}).encode()


def mozilla(code: int, errno: int, message: str) -> bytes:
    info = "http://autopush.readthedocs.io/en/latest/http.html#error-codes"
    return json.dumps(
        {"code": code, "errno": errno, "error": "x", "message": message, "more_info": info}
    ).encode()


FCM_MISMATCH = (
    b"the VAPID credentials in the authorization header do not correspond to the credentials used "
    b"to create the subscriptions.\n"
)
FCM_SENDER = (
    b"the key in the authorization header does not correspond to the sender ID used to subscribe "
    b"this user. Please ensure you are using the correct sender ID"
)
FCM_UNAUTHORIZED = b"<HTML>\n<HEAD>\n<TITLE>UnauthorizedRegistration</TITLE>\n</HEAD></HTML>"


@pytest.mark.parametrize("status", [200, 201, 202])
def test_accepted_keeps_location_and_apns_id(status: int) -> None:
    answer = classified(status, location="https://x.org/m/1", apns_id="eabeae54-14a8-11e5")
    assert answer == Answer(
        Outcome.ACCEPTED, status, location="https://x.org/m/1", apns_id="eabeae54-14a8-11e5"
    )


def test_a_location_of_absurd_length_is_dropped() -> None:
    assert classified(201, location="https://x.org/" + "x" * 5000).location == ""


@pytest.mark.parametrize(
    ("service", "status", "body", "outcome", "reason"),
    [
        ("fcm", 301, b"", Outcome.REJECTED, "redirect"),
        ("fcm", 302, b"", Outcome.REJECTED, "redirect"),
        ("mozilla", 307, b"", Outcome.REJECTED, "redirect"),
        ("fcm", 400, b"", Outcome.REJECTED, "bad_request"),
        ("fcm", 400, FCM_UNAUTHORIZED, Outcome.REFUSED, "bad_token"),
        ("apple", 400, apple("BadWebPushTopic"), Outcome.REJECTED, "bad_topic"),
        ("apple", 400, apple("BadTtl"), Outcome.REJECTED, "bad_ttl"),
        ("apple", 400, apple("BadUrgency"), Outcome.REJECTED, "bad_urgency"),
        ("apple", 400, apple("BadWebPushRequest"), Outcome.REJECTED, "bad_request"),
        ("apple", 400, apple("VapidPkHashMismatch"), Outcome.MISMATCH, "key_mismatch"),
        ("mozilla", 400, mozilla(400, 101, "Missing crypto"), Outcome.REJECTED, "bad_encryption"),
        ("mozilla", 400, mozilla(400, 110, "Invalid crypto"), Outcome.REJECTED, "bad_encryption"),
        ("mozilla", 400, mozilla(400, 112, "Invalid TTL"), Outcome.REJECTED, "bad_ttl"),
        ("mozilla", 400, mozilla(400, 113, "Bad Topic"), Outcome.REJECTED, "bad_topic"),
        ("windows", 400, b"", Outcome.REJECTED, "bad_request"),
        ("fcm", 401, b"", Outcome.REFUSED, "refused"),
        ("mozilla", 401, mozilla(401, 109, "Invalid bearer token"), Outcome.REFUSED, "bad_token"),
        ("mozilla", 401, mozilla(401, 109, "Auth expired"), Outcome.REFUSED, "bad_token"),
        (
            "mozilla",
            401,
            mozilla(401, 109, "VAPID public key mismatch"),
            Outcome.MISMATCH,
            "key_mismatch",
        ),
        ("fcm", 403, b"", Outcome.REFUSED, "refused"),
        ("fcm", 403, b"invalid JWT provided\n", Outcome.REFUSED, "bad_token"),
        ("fcm", 403, FCM_MISMATCH, Outcome.MISMATCH, "key_mismatch"),
        ("fcm", 403, FCM_SENDER, Outcome.MISMATCH, "key_mismatch"),
        ("apple", 403, apple("BadJwtToken"), Outcome.REFUSED, "bad_token"),
        ("apple", 403, apple("BadVapidPublicKey"), Outcome.REFUSED, "bad_token"),
        ("apple", 403, apple("VapidPkHashMismatch"), Outcome.MISMATCH, "key_mismatch"),
        ("fcm", 404, b"A valid push subscription endpoint", Outcome.GONE, "gone"),
        ("mozilla", 404, mozilla(404, 102, "Invalid URL"), Outcome.GONE, "gone"),
        ("fcm", 405, b"", Outcome.REJECTED, "rejected"),
        ("windows", 406, b"", Outcome.SLOW_DOWN, "slow_down"),
        ("fcm", 407, b"", Outcome.NETWORK, "proxy"),
        ("fcm", 408, b"", Outcome.SLOW_DOWN, "slow_down"),
        ("fcm", 410, b"push subscription has unsubscribed or expired.", Outcome.GONE, "gone"),
        ("apple", 410, apple("Unregistered"), Outcome.GONE, "gone"),
        ("apple", 410, apple("VapidPkHashMismatch"), Outcome.GONE, "gone"),
        ("mozilla", 410, mozilla(410, 106, "Invalid subscription"), Outcome.GONE, "gone"),
        ("apple", 413, apple("PayloadTooLarge"), Outcome.TOO_BIG, "too_big"),
        ("mozilla", 413, mozilla(413, 104, "Too large"), Outcome.TOO_BIG, "too_big"),
        ("fcm", 418, b"", Outcome.REJECTED, "rejected"),
        ("fcm", 421, b"", Outcome.UNAVAILABLE, "service_trouble"),
        ("fcm", 429, b"", Outcome.SLOW_DOWN, "slow_down"),
        ("apple", 429, apple("TooManyRequests"), Outcome.SLOW_DOWN, "slow_down"),
        (
            "apple",
            429,
            apple("TooManyProviderTokenUpdates"),
            Outcome.SLOW_DOWN,
            "too_many_tokens",
        ),
        ("fcm", 500, b"", Outcome.UNAVAILABLE, "service_trouble"),
        ("mozilla", 502, mozilla(502, 903, "timeout"), Outcome.UNAVAILABLE, "service_trouble"),
        ("apple", 503, apple("Shutdown"), Outcome.UNAVAILABLE, "service_trouble"),
        ("fcm", 599, b"", Outcome.UNAVAILABLE, "service_trouble"),
        ("fcm", 204, b"", Outcome.REJECTED, "unexpected_answer"),
        ("fcm", 600, b"", Outcome.REJECTED, "unexpected_answer"),
    ],
)
def test_each_answer_means_one_thing(
    service: str, status: int, body: bytes, outcome: Outcome, reason: str
) -> None:
    answer = classified(status, body, service)
    assert (answer.outcome, answer.reason, answer.status) == (outcome, reason, status)
    assert answer.reason in REASONS


@pytest.mark.parametrize("body", [b"VapidPkHashMismatch", b"do not correspond to the credentials"])
@pytest.mark.parametrize("status", [500, 503, 429, 408, 404, 410, 302])
def test_words_in_a_body_never_change_what_another_status_means(status: int, body: bytes) -> None:
    assert classified(status, body).outcome == classified(status).outcome


def test_windows_says_its_reason_in_headers_only() -> None:
    headers = {
        "x-wns-notificationstatus": "channelthrottled",
        "x-wns-error-description": "Too many notifications",
    }
    answer = classify(406, headers, b"<html>no</html>", "windows", NOW)
    assert answer.detail == "Too many notifications, channelthrottled"


def test_a_refusal_under_a_wrong_clock_says_so() -> None:
    right, wrong = formatdate(NOW + 60, usegmt=True), formatdate(NOW + 86_400, usegmt=True)
    body = apple("BadJwtToken")
    assert classified(403, body, "apple", date=right).reason == "bad_token"
    assert classified(403, body, "apple", date=wrong).reason == "clock"
    assert classified(403, body, "apple", date="yesterday").reason == "bad_token"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999999999999999999999", MAX_RETRY_AFTER),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 10**7, usegmt=True), MAX_RETRY_AFTER),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("²", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("9" * 100 + " GMT", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 406])
def test_retry_after_is_seconds_or_a_date_and_garbage_is_ignored(
    status: int, text: str, seconds: float | None
) -> None:
    assert classified(status, retry_after=text).retry_after == seconds


@given(
    st.integers(min_value=100, max_value=999),
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "location", "x-wns-status"]), st.text()
    ),
    st.binary()
    | st.recursive(
        st.none() | st.text(),
        lambda x: st.dictionaries(st.sampled_from(["reason", "message", "errno", "error"]), x),
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["fcm", "mozilla", "apple", "windows", "127.0.0.1:8700"]),
)
def test_any_answer_at_all_is_an_outcome(
    status: int, headers: dict[str, str], body: bytes, service: str
) -> None:
    answer = classify(status, headers, body, service, NOW)
    assert (answer.reason == "") == (answer.outcome is Outcome.ACCEPTED)
    assert answer.reason in {"", *REASONS}
    assert len(answer.detail) <= 200
    assert answer.detail.isprintable()
    assert answer.retry_after is None or 0 <= answer.retry_after <= MAX_RETRY_AFTER


@pytest.mark.parametrize(
    ("number", "text", "outcome", "reason"),
    [
        (1, "Received HTTP/0.9 when not allowed", Outcome.NETWORK, "bad_answer"),
        (3, "URL using bad/illegal format", Outcome.REJECTED, "bad_endpoint"),
        (5, "Could not resolve proxy: p", Outcome.NETWORK, "proxy"),
        (6, "Could not resolve host: fcm.googleapis.com", Outcome.NETWORK, "dns"),
        (7, "Failed to connect", Outcome.NETWORK, "connect"),
        (16, "Error in the HTTP2 framing layer", Outcome.NETWORK, "reset"),
        (28, "Operation timed out", Outcome.NETWORK, "timeout"),
        (35, "TLS connect error", Outcome.NETWORK, "tls"),
        (52, "Empty reply from server", Outcome.NETWORK, "reset"),
        (56, "Recv failure: Connection reset by peer", Outcome.NETWORK, "reset"),
        (56, "CONNECT tunnel failed, response 403", Outcome.NETWORK, "proxy"),
        (60, "SSL certificate problem", Outcome.NETWORK, "tls"),
        (77, "error setting certificate file", Outcome.NETWORK, "tls"),
        (92, "HTTP/2 stream 1 was not closed cleanly", Outcome.NETWORK, "reset"),
        (4711, "something new", Outcome.NETWORK, "network"),
    ],
)
def test_no_answer_at_all_is_never_a_reason_to_delete(
    number: int, text: str, outcome: Outcome, reason: str
) -> None:
    assert classify_failure(number, text) == Answer(outcome, None, reason, text)


def test_details_hold_no_endpoint_no_key_and_no_token() -> None:
    token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL2Zj"
    said = sanitise(f"<b>POST</b> {ENDPOINT}\r\n refused: {token} (key BDd3)\x00")
    assert said == "POST […] refused: […] (key BDd3)"


def test_what_a_service_repeats_of_a_secret_is_cut_out() -> None:
    secrets = ["fcm/send/dSbTwHYXBxQ:APA91bH4", "tBHItJI5svbpez7KI4CCXg"]
    said = "no dsbtwhyxbxq:apa91 (APA91bH), svbpez7KI4tBHItJI5; İ tBHItJI svbpez7K"
    assert conceal(said, secrets) == "no […] (APA91bH), […]; İ tBHItJI […]"
    assert conceal("Push subscription has expired.", secrets) == "Push subscription has expired."


TEXT = st.text(st.characters(codec="ascii", exclude_characters="\n[]"))


@given(st.lists(st.text("abAB-_", min_size=8), max_size=3), st.data())
def test_no_eight_characters_of_a_secret_are_left(secrets: list[str], data: st.DataObject) -> None:
    part = st.sampled_from(["", *secrets]).flatmap(
        lambda secret: st.integers(0, len(secret)).map(lambda start: secret[start:])
    )
    said = "".join(data.draw(st.lists(TEXT | part)))
    left = conceal(said, secrets).lower()
    pieces = {secret[n : n + 8].lower() for secret in secrets for n in range(len(secret) - 7)}
    assert not [piece for piece in pieces if piece in left]


def test_details_can_be_stored_whatever_was_said() -> None:
    assert sanitise("a\udcffb\u200bc\u2028d\x00e\nf") == "a b c d e f"


@pytest.mark.parametrize("code", REASONS)
def test_each_reason_says_what_happened_and_what_to_do(code: str) -> None:
    reason = REASONS[code]
    assert str(reason.title).endswith(".")
    assert str(reason.fix).endswith(".")
    assert reason.anchor == "reason-" + code.replace("_", "-")
