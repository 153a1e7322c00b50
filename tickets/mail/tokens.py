"""Signed tokens: what we put into our Message-IDs and reply addresses, so that an answer finds its ticket.

A token is the ticket's key and a signature over it in lower-case base32: 24 characters that survive mail systems
which change the letter case of addresses. Who knows a ticket's number alone cannot make one.
"""

import hashlib
import hmac
import re
import secrets
from base64 import b32decode, b32encode

from django.conf import settings

KEY_LENGTH = 5  # bytes: a million million tickets
SIGNATURE_LENGTH = 10  # bytes: 80 bits
MAX_LOCAL_PART = 64  # octets, RFC 5321 section 4.5.3.1.1

_TOKEN = r"([a-z2-7]{24})"  # noqa: S105 - a pattern
_IN_ADDRESS = re.compile(rf"\+{_TOKEN}@", re.IGNORECASE)
_IN_MESSAGE_ID = re.compile(rf"<{_TOKEN}\.[0-9a-z]{{16}}@[^<>\s@]{{1,255}}>", re.IGNORECASE)


def make(ticket_key: int) -> str:
    """The token of the ticket with this primary key."""
    key = ticket_key.to_bytes(KEY_LENGTH)
    return b32encode(key + _signature(key, settings.SECRET_KEY)).decode().lower()


def read(token: str) -> int | None:
    """The primary key that ``token`` was made for; None unless we made it, with this or an earlier secret key."""
    try:
        packed = b32decode(token.upper())
    except ValueError:
        return None
    key, signature = packed[:KEY_LENGTH], packed[KEY_LENGTH:]
    secret_keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    good = any(
        hmac.compare_digest(signature, _signature(key, secret_key)) for secret_key in secret_keys
    )
    return int.from_bytes(key) if good else None


def new_message_id(ticket_key: int, address: str) -> str:
    """A Message-ID for a mail of this ticket, at the domain of ``address``."""
    return f"<{make(ticket_key)}.{secrets.token_hex(8)}@{address.rpartition('@')[2]}>"


def reply_address(ticket_key: int, address: str) -> str:
    """``address`` with the token behind a plus; without it where the local part would become too long."""
    local, _at, domain = address.rpartition("@")
    tagged = f"{local}+{make(ticket_key)}"
    return f"{tagged if len(tagged) <= MAX_LOCAL_PART else local}@{domain}"


def in_addresses(text: str) -> list[int]:
    """The tickets whose tokens stand in these addresses."""
    return [key for match in _IN_ADDRESS.finditer(text) if (key := read(match[1])) is not None]


def in_message_ids(text: str) -> list[tuple[int, str]]:
    """The tickets whose tokens stand in these Message-IDs, with the ids; newest last, as in References."""
    return [
        (key, match[0])
        for match in _IN_MESSAGE_ID.finditer(text)
        if (key := read(match[1])) is not None
    ]


def loop_mark(mailbox_key: int) -> str:
    """What a mailbox's own mail bears, so that it is known when it comes back."""
    name = f"mailbox {mailbox_key}".encode()
    return b32encode(_signature(name, settings.SECRET_KEY)).decode().lower()


def _signature(key: bytes, secret_key: str) -> bytes:
    return hmac.digest(
        hashlib.sha256(b"tickets.mail.tokens:" + secret_key.encode()).digest(), key, "sha256"
    )[:SIGNATURE_LENGTH]
