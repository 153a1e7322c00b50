"""Is it a machine's mail? Such mail is kept with its ticket; it never pushes, reopens or gets an answer."""

import re

from django.utils.translation import gettext as _

from tickets.mail import tokens, words
from tickets.mail.parse import Mail

LOOP_HEADER = "X-FastLinkIt-Mailbox"
MAX_SEARCHED = 1_000_000  # bytes of a bounce in which our own Message-ID is looked for

_MACHINES = re.compile(r"(?:mailer[-_.]?daemon|postmaster)[@+]")
_FAILED = re.compile(rb"^Action:[ \t]*failed", re.IGNORECASE | re.MULTILINE)
_WHY = re.compile(rb"^Diagnostic-Code:((?:[^\r\n]*)(?:\r?\n[ \t][^\r\n]*)*)", re.I | re.MULTILINE)

# A header that is there with any value but this one says that no person wrote it.
_UNLESS = {
    "auto-submitted": "no",
    "x-auto-response-suppress": "none",
    "x-autoreply": "no",
    "x-autorespond": "no",
    "x-autoresponder": "no",
    "x-failed-recipients": "",
}


def reason(mail: Mail, mailbox_key: int) -> str:
    """Why the mail counts as automatic, in a few words for the record; nothing for a person's mail.

    RFC 3834 (Auto-Submitted), RFC 5321 (null reverse path), RFC 6522 (reports), and what mail systems do besides.
    A List-Id alone says nothing: people write to lists.
    """
    for name, harmless in _UNLESS.items():
        for value in mail.headers.get(name, []):
            said = value.partition(";")[0].strip().lower()
            if said and said != harmless:
                return f"{name}: {words.one_line(words.header_text(value), 80)}"
    if any("".join(value.split()) == "<>" for value in mail.headers.get("return-path", [])):
        return "return-path: <>"
    if is_report(mail):
        return "multipart/report"
    if _MACHINES.match(mail.sender_address):
        return f"from {mail.sender_address}"
    for value in mail.headers.get("precedence", []):
        if value.strip().lower() in ("bulk", "junk", "auto_reply"):
            return f"precedence: {value.strip().lower()}"
    mark = tokens.loop_mark(mailbox_key)
    if any(value.strip() == mark for value in mail.headers.get(LOOP_HEADER.lower(), [])):
        return _("our own mail came back")
    return ""


def is_report(mail: Mail) -> bool:
    values = mail.headers.get("content-type", [])
    return any(value.strip().lower().startswith("multipart/report") for value in values)


def bounced(mail: Mail, raw: bytes) -> str:
    """Why a mail could not be delivered, if this is a report of that (RFC 3464); nothing else counts as one."""
    if not is_report(mail) or not _FAILED.search(raw, 0, MAX_SEARCHED):
        return ""
    why = _WHY.search(raw, 0, MAX_SEARCHED)
    said = words.one_line(words.to_text(why[1]), 500) if why else ""
    return said or mail.subject or _("It could not be delivered.")


def returned_ids(raw: bytes) -> list[tuple[int, str]]:
    """(ticket, Message-ID) of our own mails that are quoted anywhere in a machine's mail."""
    return tokens.in_message_ids(raw[:MAX_SEARCHED].decode("latin-1"))
