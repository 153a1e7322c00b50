"""What a device will receive of an announcement, before it is one."""

import json
from dataclasses import dataclass

from django.utils import timezone, translation

from push.delivery import payload, receipts
from push.models import Announcement
from push.notices.announcements import KIND

_LARGEST = 2**63 - 1  # the id of a delivery whose receipts take the most room


@dataclass(frozen=True, slots=True)
class Preview:
    """As it will be shown; ``is_cut``: more was written than fits into a push (RFC 8291, section 4)."""

    title: str
    body: str
    is_cut: bool


def preview(title: str, body: str, url: str) -> Preview:
    """Builds the push itself, and reads what it says."""
    announcement = Announcement(title=title, body=body, url=url)
    message = KIND.message(announcement)
    now = timezone.now()
    content = payload.Content(
        announcement.public_id,
        KIND.name,
        message.title,
        message.body,
        message.url,
        "[]",
        translation.get_language() or "en",
        now,
    )
    plaintext = payload.build(content, unread=999, receipts=receipts.tokens(_LARGEST, now))
    shown = json.loads(plaintext)["notification"]
    is_cut = (shown["title"], shown["body"]) != (message.title, message.body)
    return Preview(shown["title"], shown["body"], is_cut)
