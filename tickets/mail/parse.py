"""From the bytes of a mail to what a ticket needs of it. Each step is guarded: no mail makes this fail."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32

from tickets.mail import identity, words

MAX_TEXT = 200_000  # characters
MAX_SUBJECT = 300  # characters
MAX_CONTAINERS = 60  # multiparts and attached mails, one inside the other or side by side
MAX_PARTS = 2_000
MAX_LINE_TESTS = 3_000_000  # the parser tests each line against every boundary that is open

logger = logging.getLogger(__name__)

type Headers = dict[str, list[str]]
"""By lower-case name; the values as they were parsed, 8-bit characters as surrogates."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What was understood. Whatever was not is empty."""

    subject: str = ""
    sender_name: str = ""
    sender_address: str = ""
    answer_to: str = ""  # Reply-To, else the sender
    recipients: str = ""  # those headers as they came: To, Cc, and whom it was delivered to
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""  # Message-IDs as text: References, then In-Reply-To; newest last
    text: str = ""
    headers: Headers = field(default_factory=dict)


def parse(raw: bytes) -> Mail:
    """The mail in these bytes."""
    block, body = identity.split(raw)
    headers = _headers(block[: identity.MAX_HEADER_BLOCK])
    sender_name, sender_address = _first_address(headers, "from", "sender", "reply-to")
    in_reply_to = _ids(headers, "in-reply-to")
    return Mail(
        subject=words.one_line(words.header_text(_first(headers, "subject")), MAX_SUBJECT),
        sender_name=sender_name,
        sender_address=sender_address,
        answer_to=_first_address(headers, "reply-to")[1] or sender_address,
        recipients=_recipients(headers),
        message_id=identity.as_message_id(identity.header(block, b"Message-ID")),
        in_reply_to=in_reply_to.partition(" ")[0][: identity.MAX_MESSAGE_ID],
        references=f"{_ids(headers, 'references')} {in_reply_to}".strip(),
        text=_text(raw, body),
        headers=headers,
    )


def _headers(block: bytes) -> Headers:
    found: Headers = {}
    try:
        for name, value in BytesHeaderParser(policy=compat32).parsebytes(block).raw_items():
            found.setdefault(name.lower(), []).append(str(value))
    except Exception:
        logger.warning("The headers of a mail could not be read", exc_info=True)
    return found


def _first(headers: Headers, name: str) -> str:
    return headers.get(name, [""])[0]


def _first_address(headers: Headers, *names: str) -> tuple[str, str]:
    """(name, address) from the first of these headers that has one."""
    for name in names:
        for value in headers.get(name, [])[:5]:
            if found := words.addresses(value):
                return found[0]
    return "", ""


def _recipients(headers: Headers) -> str:
    names = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")
    return " ".join(value for name in names for value in headers.get(name, []))


def _ids(headers: Headers, name: str) -> str:
    """The last ids if there are very many: they are the newest."""
    values = " ".join(" ".join(headers.get(name, [])[:20]).split())
    return words.clean(values[-words.MAX_HEADER :].encode("ascii", "replace").decode())


def _text(raw: bytes, body: bytes) -> str:
    """What the mail says: its plain text, else its HTML without the looks; nothing if it says nothing readable."""
    try:
        parts = list(_leaves(raw)) if _is_parsable(raw, body) else []
        plain = [text for part in parts if (text := _content(part, "text/plain"))]
        text = "\n\n".join(plain) or "\n\n".join(
            words.html_to_text(text) for part in parts if (text := _content(part, "text/html"))
        )
        return words.clean(text).strip("\n")[:MAX_TEXT]
    except Exception:
        logger.warning("The text of a mail could not be read", exc_info=True)
        return ""


def _is_parsable(raw: bytes, body: bytes) -> bool:
    """Whether the parser will come to an end soon, in little memory."""
    lower = raw.lower()
    containers = lower.count(b"multipart/") + lower.count(b"message/")
    tests = raw.count(b"\n") * (containers + 1)
    headers_end = len(raw) <= identity.MAX_HEADER_BLOCK or bool(body)
    return (
        headers_end
        and containers <= MAX_CONTAINERS
        and tests <= MAX_LINE_TESTS
        and (not containers or raw.count(b"\n--") <= MAX_PARTS)
    )


def _leaves(raw: bytes) -> Iterator["Message[str, str]"]:
    """The parts that hold something, in order. Mails inside the mail are somebody else's words."""
    waiting: list[Message[str, str]] = [BytesParser(policy=compat32).parsebytes(raw)]
    while waiting:
        part = waiting.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting += [inner for inner in reversed(payload) if isinstance(inner, Message)]
        elif part.get_content_maintype() != "message":
            yield part


def _content(part: "Message[str, str]", content_type: str) -> str:
    """The part's text, if it is of this type and no attachment."""
    try:
        if part.get_content_type() != content_type or part.get_content_disposition() not in (
            None,
            "inline",
        ):
            return ""
        if part.get_filename():
            return ""
    except Exception:  # a header that the standard library trips over
        return ""
    raw = part.get_payload(decode=True)
    return words.to_text(raw, _charset(part)).strip() if isinstance(raw, bytes) else ""


def _charset(part: "Message[str, str]") -> str | None:
    try:
        return part.get_content_charset()
    except Exception:
        return None
