"""VAPID keys and the signed header: one per service, renewed in time (RFC 8292)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_vapid import Vapid02

from push.delivery import vapid
from push.delivery.encryption import base64url_decode, base64url_encode

NOW = 1_800_000_000.0
HOUR = 3600


@pytest.fixture
def pair(settings) -> vapid.KeyPair:
    public, private = vapid.generate()
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = public, private
    settings.WEBPUSH_PREVIOUS_KEYS = []
    settings.WEBPUSH_SUBJECT = "mailto:admin@fastlinkit.org"
    current = vapid.keyring().current
    assert current is not None
    return current


def claims(header: str) -> dict[str, object]:
    token = header.split("t=")[1].split(",")[0]
    return json.loads(base64url_decode(token.split(".")[1]))


def test_the_header_names_audience_end_and_contact(pair: vapid.KeyPair) -> None:
    header = vapid.authorization("https://web.push.apple.com", pair.key_id, NOW)
    assert claims(header) == {
        "aud": "https://web.push.apple.com",
        "exp": int(NOW) + 12 * HOUR,
        "sub": "mailto:admin@fastlinkit.org",
    }


def test_the_signature_holds_and_is_raw_r_and_s(pair: vapid.KeyPair) -> None:
    header = vapid.authorization("https://fcm.googleapis.com", pair.key_id, NOW)
    assert Vapid02.verify(header.replace(", ", ","))
    token, key = header.removeprefix("vapid t=").split(", k=")
    assert len(base64url_decode(token.rsplit(".", 1)[1])) == 64
    assert base64url_decode(key) == pair.public


def test_one_header_serves_an_audience_until_an_hour_before_its_end(pair: vapid.KeyPair) -> None:
    first = vapid.authorization("https://a.org", pair.key_id, NOW)
    assert vapid.authorization("https://a.org", pair.key_id, NOW + 11 * HOUR - 1) == first
    renewed = vapid.authorization("https://a.org", pair.key_id, NOW + 11 * HOUR)
    assert renewed != first
    assert claims(renewed)["exp"] == int(NOW) + 23 * HOUR
    assert vapid.authorization("https://a.org", pair.key_id, NOW + 11 * HOUR + 1) == renewed


def test_each_audience_has_a_header_of_its_own(pair: vapid.KeyPair) -> None:
    one = vapid.authorization("https://a.org", pair.key_id, NOW)
    other = vapid.authorization("https://b.org", pair.key_id, NOW)
    assert (claims(one)["aud"], claims(other)["aud"]) == ("https://a.org", "https://b.org")
    assert vapid.authorization("https://a.org", pair.key_id, NOW) == one


def test_another_subject_is_signed_anew(pair: vapid.KeyPair, settings) -> None:
    vapid.authorization("https://a.org", pair.key_id, NOW)
    settings.WEBPUSH_SUBJECT = "https://fastlinkit.org:8443/contact"
    header = vapid.authorization("https://a.org", pair.key_id, NOW)
    assert claims(header)["sub"] == "https://fastlinkit.org:8443/contact"


def test_a_clock_set_back_by_a_day_gets_a_legal_header(pair: vapid.KeyPair) -> None:
    vapid.authorization("https://a.org", pair.key_id, NOW)
    header = vapid.authorization("https://a.org", pair.key_id, NOW - 24 * HOUR)
    assert claims(header)["exp"] == int(NOW) - 12 * HOUR


def test_a_previous_pair_still_signs_for_its_subscriptions(pair: vapid.KeyPair, settings) -> None:
    old_public, old_private = vapid.generate()
    settings.WEBPUSH_PREVIOUS_KEYS = [(old_public, old_private)]
    ring = vapid.keyring()
    assert ring.current is not None
    assert ring.current.key_id == pair.key_id
    (old,) = ring.pairs.keys() - {pair.key_id}
    assert vapid.authorization("https://a.org", old, NOW).endswith(f", k={old_public}")


def test_an_unknown_key_is_said_in_words(pair: vapid.KeyPair) -> None:
    with pytest.raises(vapid.UnknownKeyError) as caught:
        vapid.authorization("https://a.org", "0123456789abcdef", NOW)
    assert str(caught.value).startswith("The settings no longer hold")


def test_the_private_key_is_not_in_the_representation(pair: vapid.KeyPair, settings) -> None:
    assert settings.WEBPUSH_PRIVATE_KEY not in repr(vapid.keyring())


def test_a_generated_pair_has_the_lengths_that_web_push_prints() -> None:
    for _count in range(20):
        public, private = vapid.generate()
        assert (len(public), len(private)) == (87, 43)
        assert vapid.parse_pair(public, private).public_text == public


def test_padded_plain_base64_keys_are_read_too() -> None:
    public, private = vapid.generate()
    plain = [key.replace("-", "+").replace("_", "/") + "=" for key in (public, private)]
    assert vapid.parse_pair(*plain).public_text == public


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda public, private: (public, ""), "half"),
        (lambda public, private: ("", private), "half"),
        (lambda public, private: (public[:-4], private), "junk"),
        (lambda public, private: (public, "hello"), "junk"),
        (lambda public, private: (public, base64url_encode(bytes(32))), "junk"),
        (lambda public, private: (public, base64url_encode(b"\xff" * 32)), "junk"),
        (lambda public, private: (public, vapid.generate()[1]), "mismatch"),
    ],
)
def test_a_pair_that_is_none_is_refused_and_left_out(spoil, code: str, settings) -> None:
    keys = spoil(*vapid.generate())
    with pytest.raises(vapid.VapidKeyError) as caught:
        vapid.parse_pair(*keys)
    assert caught.value.code == code
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = keys
    ring = vapid.keyring()
    assert (ring.current, ring.pairs) == (None, {})
    assert [problem.code for problem in ring.problems] == [code]


def test_without_keys_the_ring_is_empty_and_has_no_complaint(settings) -> None:
    settings.WEBPUSH_PUBLIC_KEY = settings.WEBPUSH_PRIVATE_KEY = ""
    settings.WEBPUSH_PREVIOUS_KEYS = []
    ring = vapid.keyring()
    assert (ring.current, ring.pairs, ring.problems) == (None, {}, ())


def test_a_missing_subject_is_the_https_site_itself(settings) -> None:
    settings.WEBPUSH_SUBJECT, settings.SITE_URL = "", "https://push.fastlinkit.org"
    assert vapid.effective_subject() == "https://push.fastlinkit.org"
    assert vapid.subject_problem(vapid.effective_subject()) is None


def test_a_missing_subject_on_a_local_site_is_one_that_apple_refuses(settings) -> None:
    settings.WEBPUSH_SUBJECT, settings.SITE_URL = "", "http://localhost:8000"
    assert vapid.subject_problem(vapid.effective_subject())


@pytest.mark.parametrize(
    "subject",
    [
        "mailto:someone@real.domain",
        "mailto:push+alerts@mail.fastlinkit.co.uk",
        "https://fastlinkit.org",
        "https://fastlinkit.org:8443/contact",
        "https://xn--bcher-kva.de",
    ],
)
def test_a_reachable_contact_is_good(subject: str) -> None:
    assert vapid.subject_problem(subject) is None


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "someone@real.domain",
        "mailto:",
        "mailto: someone@real.domain",
        "mailto:someone@real.domain ",
        "mailto:<someone@real.domain>",
        "mailto:mailto:someone@real.domain",
        "mailto:some one@real.domain",
        "mailto:a@real.domain,b@real.domain",
        "mailto:a@b@real.domain",
        "mailto:admin@localhost",
        "mailto:admin@server.local",
        "mailto:admin@server.invalid",
        "mailto:admin@server.test",
        "mailto:admin@server.example",
        "mailto:admin@127.0.0.1",
        "mailto:admin@intranet",
        "http://fastlinkit.org",
        "https://localhost:8000",
        "https://10.0.0.1",
        "https://server.local/contact",
        "https://user@fastlinkit.org",
        "https://[bad",
        "https://",
    ],
)
def test_a_contact_that_nobody_can_reach_is_bad(subject: str) -> None:
    assert vapid.subject_problem(subject)


@given(st.text())
def test_any_text_for_a_subject_gets_a_verdict(text: str) -> None:
    for subject in (text, "mailto:" + text, "https://" + text):
        assert vapid.subject_problem(subject) is None or vapid.subject_problem(subject)
