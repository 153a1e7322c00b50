"""RFC 8291 encryption, held to the RFC's own example and to the reference library."""

import base64
import os

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pywebpush import WebPusher

from push.delivery.encryption import (
    BUCKETS,
    MAX_PLAINTEXT,
    EncryptionError,
    PlaintextTooLongError,
    base64url_decode,
    base64url_encode,
    encrypt,
)

BROWSER_KEY = ec.generate_private_key(ec.SECP256R1())
P256DH = BROWSER_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
AUTH = os.urandom(16)


def decrypt(body: bytes) -> bytes:
    return http_ece.decrypt(body, private_key=BROWSER_KEY, auth_secret=AUTH, version="aes128gcm")


def test_it_reproduces_the_example_of_rfc_8291_section_5() -> None:
    sender_key = base64url_decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        base64url_decode(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        base64url_decode("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=base64url_decode("DGv6ra1nlYgDCS1FRnbzlw"),
        private_key=ec.derive_private_key(int.from_bytes(sender_key, "big"), ec.SECP256R1()),
        padding=False,
    )
    assert base64url_encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.binary(max_size=MAX_PLAINTEXT))
def test_the_reference_library_decrypts_what_we_encrypt(plaintext: bytes) -> None:
    assert decrypt(encrypt(plaintext, P256DH, AUTH)) == plaintext


@given(st.binary(min_size=1, max_size=MAX_PLAINTEXT))
def test_we_and_the_reference_library_make_bodies_of_the_same_shape(plaintext: bytes) -> None:
    info = {"endpoint": "https://x.org", "keys": {"p256dh": _text(P256DH), "auth": _text(AUTH)}}
    theirs = WebPusher(info).encode(plaintext, content_encoding="aes128gcm")["body"]
    ours = encrypt(plaintext, P256DH, AUTH, padding=False)
    assert decrypt(theirs) == decrypt(ours) == plaintext
    assert (len(ours), ours[16:21]) == (len(theirs), theirs[16:21])


@given(st.binary(min_size=1, max_size=200), st.binary(min_size=16, max_size=16))
def test_same_salt_and_key_give_the_bytes_of_the_reference_library(
    plaintext: bytes, salt: bytes
) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    theirs = http_ece.encrypt(plaintext, salt=salt, private_key=own, dh=P256DH, auth_secret=AUTH)
    ours = encrypt(plaintext, P256DH, AUTH, salt=salt, private_key=own, padding=False)
    assert ours == theirs


@given(st.binary(max_size=MAX_PLAINTEXT))
def test_the_length_tells_only_the_bucket(plaintext: bytes) -> None:
    bucket = min(size for size in BUCKETS if size >= len(plaintext))
    body = encrypt(plaintext, P256DH, AUTH)
    assert len(body) == 16 + 4 + 1 + 65 + bucket + 1 + 16
    assert len(body) <= 4096


def test_key_and_salt_are_fresh_for_each_message() -> None:
    first, second = encrypt(b"x", P256DH, AUTH), encrypt(b"x", P256DH, AUTH)
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_a_plaintext_of_3001_bytes_is_refused() -> None:
    with pytest.raises(PlaintextTooLongError):
        encrypt(bytes(3001), P256DH, AUTH)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        (P256DH, AUTH[:15]),
        (P256DH, AUTH + b"x"),
        (P256DH[:64], AUTH),
        (b"\x04" + bytes(64), AUTH),
        (b"\x05" + P256DH[1:], AUTH),
        (b"", b""),
    ],
)
def test_keys_that_are_no_keys_are_refused(p256dh: bytes, auth: bytes) -> None:
    with pytest.raises(EncryptionError):
        encrypt(b"x", p256dh, auth)


@given(st.binary())
def test_base64_is_read_in_all_its_spellings(data: bytes) -> None:
    spellings = (base64.b64encode(data), base64.urlsafe_b64encode(data))
    for spelling in (*spellings, *(each.rstrip(b"=") for each in spellings)):
        assert base64url_decode(spelling.decode()) == data
    assert base64url_decode(base64url_encode(data)) == data


@pytest.mark.parametrize("text", ["a", "ab cd", "ab\ncd", "äöü", "ab$=", "a=b=", "٣٣٣٣"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        base64url_decode(text)


def _text(data: bytes) -> str:
    return base64url_encode(data)
