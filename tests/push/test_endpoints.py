"""Which endpoints are push services, and which only look like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.delivery.encryption import base64url_encode
from push.delivery.endpoints import (
    EndpointError,
    SubscriptionKeyError,
    endpoint_hash,
    origin_of,
    parse_keys,
    service_of,
)
from push.delivery.vapid import generate


@pytest.fixture(autouse=True)
def public_site(settings) -> None:
    settings.SITE_URL = "https://fastlinkit.org"
    settings.WEBPUSH_SUBJECT = "mailto:admin@fastlinkit.org"
    settings.WEBPUSH_EXTRA_HOSTS = []


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc:APA91b", "fcm"),
        ("https://FCM.googleapis.com/wp/abc", "fcm"),
        ("https://fcm.googleapis.com:443/wp/abc", "fcm"),
        ("https://jmt17.google.com/fcm/send/abc", "fcm"),
        ("https://updates.push.services.mozilla.com/wpush/v2/gAAAA", "mozilla"),
        ("https://stage.push.services.mozilla.com/wpush/v2/gAAAA", "mozilla"),
        ("https://web.push.apple.com/QOXfhW", "apple"),
        ("https://api.sandbox.push.apple.com/QOXfhW", "apple"),
        ("https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%3d%3d", "windows"),
    ],
)
def test_the_push_services_are_known(endpoint: str, service: str) -> None:
    assert service_of(endpoint) == service


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("https://attacker.example/x.google.com/", "unknown_service"),
        ("https://fcm.googleapis.com.evil.example/", "unknown_service"),
        ("https://fcm.googleapis.com@evil.example/", "user_info"),
        ("https://evilnotify.windows.com/", "unknown_service"),
        ("https://notify.windows.com/", "unknown_service"),
        ("https://evil.example/?fcm.googleapis.com", "unknown_service"),
        ("https://evil.example?.notify.windows.com", "unknown_service"),
        ("https://evil.example#.notify.windows.com", "malformed"),
        ("https://evil.example\\.notify.windows.com/", "malformed"),
        ("https://fcm.googleapis.com./x", "unknown_service"),
        ("https://user:word@fcm.googleapis.com/x", "user_info"),
        ("https://@fcm.googleapis.com/x", "user_info"),
        ("https://fcm.googleapis.com:8443/x", "port"),
        ("https://fcm.googleapis.com:0/x", "malformed"),
        ("https://fcm.googleapis.com:99999/x", "malformed"),
        ("https://fcm.googleapis.com%00.evil.example/x", "malformed"),
        ("https://fcm.googleapis.com%2eevil.example/x", "malformed"),
        ("https://fcm.googleapis.com\n.evil.example/x", "malformed"),
        ("https://fcm.googleapis.com/x y", "malformed"),
        (" https://fcm.googleapis.com/x", "malformed"),
        ("https://ｆcm.googleapis.com/x", "malformed"),
        ("http://fcm.googleapis.com/x", "not_https"),
        ("ftp://fcm.googleapis.com/x", "not_https"),
        ("javascript:alert(1)", "not_https"),
        ("//fcm.googleapis.com/x", "not_https"),
        ("fcm.googleapis.com/x", "not_https"),
        ("", "malformed"),
        ("https://", "malformed"),
        ("https:///x", "malformed"),
        ("https://[::1", "malformed"),
        ("https://127.0.0.1/x", "ip_literal"),
        ("https://[::1]/x", "ip_literal"),
        ("https://2130706433/x", "ip_literal"),
        ("https://0x7f.0.0.1/x", "ip_literal"),
        ("https://169.254.169.254/latest/meta-data/", "ip_literal"),
        ("https://localhost/x", "unknown_service"),
        ("https://permanently-removed.invalid/fcm/send/x", "removed"),
        ("https://fcm.googleapis.com/" + "x" * 2048, "too_long"),
    ],
)
def test_what_only_looks_like_a_push_service_is_refused(endpoint: str, code: str) -> None:
    with pytest.raises(EndpointError) as caught:
        service_of(endpoint)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


@given(st.text(max_size=40), st.sampled_from(["", "https://", "https://fcm.googleapis.com"]))
def test_any_text_is_a_known_service_or_an_endpoint_error(text: str, start: str) -> None:
    try:
        service = service_of(start + text)
    except EndpointError:
        return
    assert service in {"fcm", "mozilla", "apple", "windows"}


def test_apple_is_refused_with_the_reason_while_the_contact_is_bad(settings) -> None:
    settings.SITE_URL, settings.WEBPUSH_SUBJECT = "http://localhost:8000", ""
    with pytest.raises(EndpointError, match="WEBPUSH_SUBJECT") as caught:
        service_of("https://web.push.apple.com/x")
    assert caught.value.code == "apple_subject"
    assert service_of("https://fcm.googleapis.com/x") == "fcm"


@pytest.mark.parametrize(
    ("extra", "endpoint", "service"),
    [
        ("127.0.0.1:8700", "http://127.0.0.1:8700/wpush/v2/x", "127.0.0.1:8700"),
        ("127.0.0.1:8700", "https://127.0.0.1:8700/wpush/v2/x", "127.0.0.1:8700"),
        ("localhost:8700", "http://localhost:8700/x", "localhost:8700"),
        ("[::1]:8700", "http://[::1]:8700/x", "[::1]:8700"),
        ("push.fastlinkit.org", "https://push.fastlinkit.org/x", "push.fastlinkit.org:443"),
        (
            "Push.FastLinkIt.org:8443",
            "https://push.fastlinkit.org:8443/x",
            "push.fastlinkit.org:8443",
        ),
        ("10.1.2.3:8443", "https://10.1.2.3:8443/x", "10.1.2.3:8443"),
    ],
)
def test_extra_hosts_are_push_services_too(
    settings, extra: str, endpoint: str, service: str
) -> None:
    settings.WEBPUSH_EXTRA_HOSTS = ["other.org", extra]
    assert service_of(endpoint) == service


@pytest.mark.parametrize(
    ("extra", "endpoint"),
    [
        ("push.fastlinkit.org", "http://push.fastlinkit.org/x"),
        ("push.fastlinkit.org:80", "http://push.fastlinkit.org/x"),
        ("push.fastlinkit.org", "https://push.fastlinkit.org:8443/x"),
        ("push.fastlinkit.org:8443", "https://push.fastlinkit.org/x"),
        ("push.fastlinkit.org", "https://evil.push.fastlinkit.org/x"),
        ("10.1.2.3:8443", "http://10.1.2.3:8443/x"),
        ("127.0.0.1:8700", "http://127.0.0.1:8701/x"),
        ("127.0.0.1:8700", "http://u@127.0.0.1:8700/x"),
        ("https://push.fastlinkit.org", "https://push.fastlinkit.org/x"),
    ],
)
def test_an_extra_host_opens_nothing_besides_itself(settings, extra: str, endpoint: str) -> None:
    settings.WEBPUSH_EXTRA_HOSTS = [extra]
    with pytest.raises(EndpointError):
        service_of(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://web.push.apple.com/QOX", "https://web.push.apple.com"),
        ("https://FCM.googleapis.com:443/wp/x", "https://fcm.googleapis.com"),
        (
            "https://wns2-par02p.notify.windows.com/w/?token=B/Q",
            "https://wns2-par02p.notify.windows.com",
        ),
        ("http://127.0.0.1:8700/x", "http://127.0.0.1:8700"),
        ("http://[::1]:8700/x", "http://[::1]:8700"),
        ("https://push.fastlinkit.org", "https://push.fastlinkit.org"),
    ],
)
def test_the_audience_is_the_origin_of_the_endpoint(endpoint: str, origin: str) -> None:
    assert origin_of(endpoint) == origin


def test_the_hash_is_64_hex_digits_and_tells_endpoints_apart() -> None:
    one, other = endpoint_hash("https://a.org/1"), endpoint_hash("https://a.org/2")
    assert one != other
    assert (len(one), int(one, 16) > 0) == (64, True)


def test_keys_are_read_with_and_without_padding_in_both_alphabets() -> None:
    p256dh, auth = generate()[0], base64url_encode(b"\xfb\xff" * 8)
    point, secret = parse_keys(p256dh, auth)
    assert (len(point), point[0], secret) == (65, 4, b"\xfb\xff" * 8)
    plain = [key.replace("-", "+").replace("_", "/") for key in (p256dh, auth)]
    assert parse_keys(plain[0] + "=", plain[1] + "==") == (point, secret)


@pytest.mark.parametrize(
    ("p256dh", "auth", "field"),
    [
        ("", "A" * 22, "p256dh"),
        ("B" + "A" * 86, "A" * 22, "p256dh"),
        (generate()[0][:-2], "A" * 22, "p256dh"),
        (generate()[0] + "AAAA", "A" * 22, "p256dh"),
        ("nonsense!", "A" * 22, "p256dh"),
        (generate()[0], "", "auth"),
        (generate()[0], "A" * 20, "auth"),
        (generate()[0], "A" * 24, "auth"),
        (generate()[0], "ü" * 22, "auth"),
    ],
)
def test_a_wrong_key_is_refused_by_name(p256dh: str, auth: str, field: str) -> None:
    with pytest.raises(SubscriptionKeyError, match=field) as caught:
        parse_keys(p256dh, auth)
    assert caught.value.field == field
