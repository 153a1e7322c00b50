"""The physical limit of one message: what OpenSSL's lowest level and a request in C cost.

    python -m benchmarks.limit

The crypto is measured here by ctypes on the system's libcrypto (its calls' own cost is measured too and taken
off); the request in C was measured once, see ``REQUEST_IN_C``, and is scaled by the crypto of this run.
"""

import ctypes
import ctypes.util
import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

REQUEST_IN_C = 11.0
"""Microseconds of CPU for a request over TLS and HTTP/2 in C where the crypto took ``CRYPTO_THEN``."""

CRYPTO_THEN = 54.0

_P256 = 415
_UNCOMPRESSED = 4
_GET_TAG = 0x10
_RECORD = 513  # the smallest bucket and its delimiter
_REPEATS = 25
_CHUNKS = 41
_EMPTY_CALLS = 10

type Call = Callable[..., Any]


def limit_of(crypto: float) -> float:
    """Microseconds per message where the crypto alone takes ``crypto``."""
    return crypto + REQUEST_IN_C * crypto / CRYPTO_THEN


def measure() -> dict[str, float]:
    """Microseconds of CPU for each part of one message's crypto, by name."""
    steps = {"": (0, lambda: None), "calls": (0, _empty_calls()), **_steps()}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _chunk in range(_CHUNKS):  # in turns, so that the machine's other load meets all alike
        for name, (_calls, step) in steps.items():
            taken[name].append(_microseconds(step))
    medians = {name: statistics.median(chunks) for name, chunks in taken.items()}
    nothing = medians.pop("")
    call = max(0.0, medians.pop("calls") - nothing) / _EMPTY_CALLS  # of Python's and ctypes' making
    return {
        name: max(0.0, median - nothing - steps[name][0] * call) for name, median in medians.items()
    }


def _empty_calls() -> Callable[[], None]:
    """Calls that do nothing with arguments like the others'."""
    library = _library()
    context, buffer, size = ctypes.c_void_p(1), ctypes.create_string_buffer(32), ctypes.c_size_t(32)

    def run() -> None:
        for _each in range(_EMPTY_CALLS):
            library.OPENSSL_version_major(context, buffer, size, None)

    return run


@lru_cache(maxsize=1)
def _library() -> Any:
    name = ctypes.util.find_library("crypto")
    if name is None:
        raise SystemExit("There is no libcrypto to measure the limit with.")
    library = ctypes.CDLL(name)
    for function in (
        "EC_KEY_new_by_curve_name", "EC_KEY_get0_group", "EC_KEY_get0_public_key", "EC_POINT_new",
        "BN_CTX_new", "EVP_CIPHER_fetch", "EVP_CIPHER_CTX_new", "EVP_MAC_fetch", "EVP_MAC_CTX_new",
    ):  # fmt: skip
        getattr(library, function).restype = ctypes.c_void_p
    return library


def _steps() -> dict[str, tuple[int, Callable[[], object]]]:
    """Each part with the number of its calls into libcrypto."""
    library, pointer = _library(), ctypes.c_void_p
    own, peer = (pointer(library.EC_KEY_new_by_curve_name(_P256)) for _each in range(2))
    for key in (own, peer):
        library.EC_KEY_generate_key(key)
    group = pointer(library.EC_KEY_get0_group(own))
    peer_point = pointer(library.EC_KEY_get0_public_key(peer))
    point = pointer(library.EC_POINT_new(group))
    numbers = pointer(library.BN_CTX_new())
    encoded, secret = ctypes.create_string_buffer(65), ctypes.create_string_buffer(32)
    length, size = ctypes.c_size_t(65), ctypes.c_size_t(32)
    library.EC_POINT_point2oct(group, peer_point, _UNCOMPRESSED, encoded, length, numbers)

    return {
        "key generation": (1, lambda: library.EC_KEY_generate_key(own)),
        "point check": (
            1,
            lambda: library.EC_POINT_oct2point(group, point, encoded, length, numbers),
        ),
        "ECDH": (1, lambda: library.ECDH_compute_key(secret, size, peer_point, own, None)),
        "HKDF": (16, _hkdf(library, secret)),
        "AES-GCM": (4, _aes_gcm(library, secret)),
    }


def _hkdf(library: Any, secret: Any) -> Callable[[], None]:
    """Salt, and the five HMACs of RFC 8291 §3.4 with RFC 8188 §2.2 and §2.3."""
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    context = pointer(library.EVP_MAC_CTX_new(pointer(library.EVP_MAC_fetch(None, b"HMAC", None))))
    digest = (_Parameter * 2)(_Parameter(b"digest", 4, b"SHA256", 6, 0), _Parameter())
    library.EVP_MAC_init(context, secret, size(32), digest)
    output, written = ctypes.create_string_buffer(32), ctypes.c_size_t()
    lengths = [size(length) for length in (32, 145, 32, 29, 25)]
    data, full, key_size = bytes(160), size(32), size(32)
    at = ctypes.byref(written)

    def run() -> None:
        library.RAND_bytes(output, 16)
        for length in lengths:
            library.EVP_MAC_init(context, secret, key_size, None)
            library.EVP_MAC_update(context, data, length)
            library.EVP_MAC_final(context, output, at, full)

    return run


def _aes_gcm(library: Any, key: Any) -> Callable[[], None]:
    pointer = ctypes.c_void_p
    cipher = pointer(library.EVP_CIPHER_fetch(None, b"AES-128-GCM", None))
    context = pointer(library.EVP_CIPHER_CTX_new())
    nonce, record = bytes(12), bytes(_RECORD)
    output, tag = ctypes.create_string_buffer(_RECORD + 16), ctypes.create_string_buffer(16)
    at = ctypes.byref(ctypes.c_int())

    def run() -> None:
        library.EVP_EncryptInit_ex(context, cipher, None, key, nonce)
        library.EVP_EncryptUpdate(context, output, at, record, _RECORD)
        library.EVP_EncryptFinal_ex(context, output, at)
        library.EVP_CIPHER_CTX_ctrl(context, _GET_TAG, 16, tag)

    return run


class _Parameter(ctypes.Structure):
    """``OSSL_PARAM`` (openssl/core.h)."""

    _fields_ = (
        ("key", ctypes.c_char_p),
        ("data_type", ctypes.c_uint),
        ("data", ctypes.c_char_p),
        ("data_size", ctypes.c_size_t),
        ("return_size", ctypes.c_size_t),
    )


def _microseconds(step: Callable[[], object]) -> float:
    before = time.thread_time_ns()
    for _repeat in range(_REPEATS):
        step()
    return (time.thread_time_ns() - before) / _REPEATS / 1000


def main() -> None:
    parts = measure()
    for name, microseconds in parts.items():
        print(f"{name:16} {microseconds:6.1f} µs")
    crypto = sum(parts.values())
    request = limit_of(crypto) - crypto
    print(f"{'crypto together':16} {crypto:6.1f} µs measured")
    print(
        f"{'request in C':16} {request:6.1f} µs = {REQUEST_IN_C:.0f} scaled by {crypto / CRYPTO_THEN:.2f}"
    )
    print(f"{'limit':16} {crypto + request:6.1f} µs")


if __name__ == "__main__":
    main()
