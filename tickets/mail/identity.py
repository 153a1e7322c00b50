"""What makes a mail the same mail: Message-ID, and a hash of From, Date and body. Read from the bytes; cannot fail."""

import hashlib
import re

MAX_HEADER_BLOCK = 262_144  # bytes that are looked at
MAX_MESSAGE_ID = 500  # characters

_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


def split(raw: bytes) -> tuple[bytes, bytes]:
    """(header block, body). Without an empty line, or with one too far down, all of it is headers."""
    end = _END_OF_HEADERS.search(raw, 0, MAX_HEADER_BLOCK)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def header(block: bytes, name: bytes) -> bytes:
    """The first header of this name, unfolded; empty when there is none."""
    lines = rb"^" + re.escape(name) + rb"[ \t]*:((?:[^\r\n]*)(?:\r?\n[ \t][^\r\n]*)*)"
    found = re.search(lines, block[:MAX_HEADER_BLOCK], re.IGNORECASE | re.MULTILINE)
    return b" ".join(found[1].split()) if found else b""


def of(raw: bytes) -> tuple[str, str]:
    """(Message-ID or nothing, hash of From, Date and body in hexadecimal digits).

    The hash knows no difference between line ends and none at the very end: mail systems change both. Where no
    body begins, everything counts.
    """
    block, body = split(raw)
    plain = (raw if block is raw else body).replace(b"\r\n", b"\n").rstrip(b"\n")
    content = hashlib.sha256()
    for part in (header(block, b"From"), header(block, b"Date"), plain):
        content.update(hashlib.sha256(part).digest())
    return as_message_id(header(block, b"Message-ID")), content.hexdigest()


def as_message_id(value: bytes) -> str:
    """As text that a database takes."""
    printable = bytes(byte for byte in value if 32 < byte < 127)
    return printable.decode("ascii")[:MAX_MESSAGE_ID]
