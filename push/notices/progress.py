"""How far an announcement has come, counted from the rows, at a price that does not depend on who looks.

Counting a million rows takes a second or two. So what was counted is kept in the cache for a multiple of
the time that it took, and what became of a settled announcement is written down in its own row.
"""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.core.cache import cache
from django.db.models import Count

from push.models import Announcement, Delivery, Notification

SHARE = 20
"""A count that took a second is good for so many: watching costs a twentieth of a core, however many watch."""

_KEY = "push-announcement-{}-{}"


@dataclass(frozen=True, slots=True)
class Progress:
    """``told``: people; the others: pushes. ``failed``: refused, expired, or to a device that is gone."""

    told: int = 0
    accepted: int = 0
    waiting: int = 0
    failed: int = 0
    dropped: int = 0

    @property
    def pushes(self) -> int:
        return self.sent + self.waiting

    @property
    def sent(self) -> int:
        """Nothing more will become of them."""
        return self.accepted + self.failed + self.dropped


_COLUMNS = {
    Delivery.State.PENDING: "waiting",
    Delivery.State.SENDING: "waiting",
    Delivery.State.ACCEPTED: "accepted",
    Delivery.State.FAILED: "failed",
    Delivery.State.GONE: "failed",
    Delivery.State.EXPIRED: "failed",
    Delivery.State.DROPPED: "dropped",
}


def progress_of(announcements: Iterable[Announcement]) -> dict[int, Progress]:
    """By primary key; three queries at most, and none over the rows where it was counted just now."""
    wanted = list(announcements)
    found = {row.pk: Progress(**row.figures) for row in wanted if row.figures is not None}
    keys = {row.pk: _KEY.format(row.pk, row.state) for row in wanted if row.pk not in found}
    kept = cache.get_many(keys.values()) if keys else {}
    found |= {pk: Progress(**kept[key]) for pk, key in keys.items() if key in kept}
    missing = keys.keys() - found.keys()
    if missing:
        started = time.monotonic()
        counted = count(missing)
        seconds = (time.monotonic() - started) * SHARE
        if seconds >= 1:
            cache.set_many({keys[pk]: asdict(counted[pk]) for pk in missing}, int(seconds))
        found |= counted
    return found


def count(announcements: Iterable[int]) -> dict[int, Progress]:
    """Counts now, in two queries."""
    figures: dict[int, dict[str, int]] = {pk: {} for pk in announcements}
    told = Notification.objects.filter(announcement__in=figures).order_by()
    for pk, number in told.values_list("announcement").annotate(Count("pk")):
        figures[pk]["told"] = number
    pushes = Delivery.objects.filter(notification__announcement__in=figures).order_by()
    grouped = pushes.values_list("notification__announcement", "state").annotate(Count("pk"))
    for pk, state, number in grouped:
        column = _COLUMNS[Delivery.State(state)]
        figures[pk][column] = figures[pk].get(column, 0) + number
    return {pk: Progress(**columns) for pk, columns in figures.items()}


def settle(announcement: Announcement) -> bool:
    """Writes the figures down once no push is on its way any more. True when that is so."""
    rows = Delivery.objects.filter(notification__announcement=announcement)
    # One state at a time: each has an index of its own.
    if any(rows.filter(state=state).exists() for state in Delivery.OPEN):
        return False
    announcement.settle(asdict(count([announcement.pk])[announcement.pk]))
    return True
