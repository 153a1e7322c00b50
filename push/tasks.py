"""What push does in the background, run by django-ox: old rows leave, announcements reach everybody.

Schedules stand in settings (``TASKS``).
"""

from django.db import transaction
from django.tasks import task
from django.utils import timezone

from push import pruning
from push.models import Announcement
from push.notices import announcements, progress


@task()
def prune() -> dict[str, int]:
    """Deletes what is too old, in batches; how many rows of each kind."""
    return pruning.prune(pruning.limits(timezone.now()))


# A negative priority: mail and payments that come meanwhile are not kept waiting.
@task(max_attempts=100, priority=-10)  # type: ignore[call-overload, untyped-decorator] # django-ox's own argument
def expand(announcement_key: int, cursor: int) -> None:
    """Tells the next people of an announcement, those after ``cursor``, and enqueues what follows from it.

    What ends a process here is made good by another attempt, which finds the cursor where it was or moved on.
    """
    with transaction.atomic():
        announcement = Announcement.objects.get(pk=announcement_key)
        if announcement.cursor == cursor and announcements.expand(announcement):
            expand.enqueue(announcement_key, announcement.cursor)


@task(max_attempts=100)  # type: ignore[call-overload, untyped-decorator] # django-ox's own argument
def drop_cancelled(announcement_key: int, last: int | None = None) -> None:
    """Drops the pushes of a cancelled announcement that wait, a batch of people up to ``last`` at a time."""
    with transaction.atomic():
        following = announcements.drop_cancelled(
            Announcement.objects.get(pk=announcement_key), last
        )
        if following is not None:
            drop_cancelled.enqueue(announcement_key, following)


@task()
def tend_announcements() -> dict[str, int]:
    """Takes up expansions that nobody goes on with, drops what came back, writes down what is settled."""
    now, taken_up, settled = timezone.now(), 0, 0
    for announcement in Announcement.objects.stalled(now):
        with transaction.atomic():
            if announcement.take_up(now):
                expand.enqueue(announcement.pk, announcement.cursor)
                taken_up += 1
    for announcement in Announcement.objects.unsettled():
        if progress.settle(announcement):
            settled += 1
        elif announcement.state == Announcement.State.CANCELLED:
            drop_cancelled.enqueue(announcement.pk)
    return {"taken_up": taken_up, "settled": settled}
