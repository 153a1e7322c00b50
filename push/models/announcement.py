"""What an administrator says to everybody: one row, however many people hear it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from push import signals
from push.models.notification import new_public_id

if TYPE_CHECKING:
    from accounts.models import User

LIFE = timedelta(days=3)
"""How long the pushes of an announcement may wait for a device."""

PATIENCE = timedelta(minutes=2)
"""After so long without a step forward, somebody else takes the expansion up."""


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def under_way(self) -> "AnnouncementQuerySet":
        """Not everybody has been told yet."""
        return self.filter(state__in=Announcement.UNDER_WAY)

    def stalled(self, now: datetime) -> "AnnouncementQuerySet":
        return self.under_way().filter(moved_at__lt=now - PATIENCE)

    def unsettled(self) -> "AnnouncementQuerySet":
        """Told to everybody or cancelled, but some of the pushes may still be on their way."""
        return self.exclude(state__in=Announcement.UNDER_WAY).filter(figures__isnull=True)


class Announcement(models.Model):
    """Published once, then told to people in the order of their ids; ``cursor`` is the last who was told.

    Those who register later (ids above ``last_user``) are not told. A state is only ever changed by an UPDATE
    on the condition of the old one, so of two who try, one does. ``figures`` are what became of it,
    counted from the rows and written down once nothing moves any more: the rows themselves are pruned one day.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting to begin")
        RUNNING = "running", _("being told")
        DONE = "done", _("told to everybody")
        CANCELLED = "cancelled", _("cancelled")

    UNDER_WAY: ClassVar = (State.QUEUED, State.RUNNING)

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("text"))
    url = models.CharField(_("link"), max_length=500, default="/Notifications")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    created_at = models.DateTimeField(_("announced"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("no pushes after"))
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.QUEUED)
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)
    moved_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(_("told to everybody"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    people = models.PositiveIntegerField(_("people"), help_text=_("when it was announced"))
    last_user = models.BigIntegerField(editable=False)
    cursor = models.BigIntegerField(default=0, editable=False)
    figures = models.JSONField(null=True, blank=True, editable=False)

    objects: ClassVar = AnnouncementQuerySet.as_manager()

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Where administrators watch it."""
        return reverse("admin:push_announcement_change", args=[self.pk])

    @classmethod
    def publish(
        cls,
        *,
        public_id: str,
        title: str,
        body: str,
        url: str,
        people: int,
        last_user: int,
        by: "User | None" = None,
    ) -> tuple["Announcement", bool]:
        """Announces it, once for each ``public_id``; with whether it is new.

        One row and what begins the expansion, in one transaction. ``people`` is how many should hear it.
        """
        now = timezone.now()
        try:
            with transaction.atomic():
                announcement = cls.objects.create(
                    public_id=public_id,
                    title=title,
                    body=body,
                    url=url,
                    created_by=by,
                    created_at=now,
                    moved_at=now,
                    expires_at=now + LIFE,
                    people=people,
                    last_user=last_user,
                )
                signals.announced.send_robust(
                    sender=cls, subject=announcement, actor=by, device=None
                )
        except IntegrityError:
            return cls.objects.get(public_id=public_id), False
        return announcement, True

    def advance(self, cursor: int, now: datetime) -> bool:
        """Moves on to ``cursor``. False: somebody else did, or it was cancelled. Then write nothing.

        Until the transaction ends, the row is locked: nobody cancels between this and what follows from it.
        """
        return self._change(
            self.UNDER_WAY,
            {"cursor": self.cursor},
            cursor=cursor,
            moved_at=now,
            state=self.State.RUNNING,
            started_at=self.started_at or now,
        )

    def finish(self, now: datetime) -> bool:
        """Everybody has been told. False: it was cancelled, or somebody else said so."""
        return self._change(
            self.UNDER_WAY,
            {"cursor": self.cursor},
            state=self.State.DONE,
            started_at=self.started_at or now,
            finished_at=now,
        )

    def cancel(self) -> bool:
        """Nobody else is told, and pushes that wait are not sent. False: it was over, or cancelled already.

        What is out is out; the bell keeps it for those who were told.
        """
        from push.tasks import drop_cancelled

        with transaction.atomic():
            cancelled = self._change(
                (*self.UNDER_WAY, self.State.DONE),
                {"figures__isnull": True},
                state=self.State.CANCELLED,
                cancelled_at=timezone.now(),
            )
            if cancelled:
                drop_cancelled.enqueue(self.pk)
        return cancelled

    def take_up(self, now: datetime) -> bool:
        """For whoever finds it stalled: True for one of them."""
        return self._change(self.UNDER_WAY, {"moved_at": self.moved_at}, moved_at=now)

    def may_be_cancelled(self) -> bool:
        return self.state != self.State.CANCELLED and self.figures is None

    def is_moving(self) -> bool:
        """Whether more may become of it than what is known by now."""
        return self.figures is None

    def settle(self, figures: dict[str, int]) -> None:
        """Writes down what became of it, for good."""
        self._change(
            (self.State.DONE, self.State.CANCELLED), {"figures__isnull": True}, figures=figures
        )

    def remaining(self) -> timedelta:
        """Of the time that its pushes may wait for a device; none left: only the bell tells."""
        return max(self.expires_at - timezone.now(), timedelta(0))

    def _change(self, states: tuple[str, ...], condition: dict[str, Any], **values: Any) -> bool:
        found = Announcement.objects.filter(pk=self.pk, state__in=states, **condition)
        if not found.update(**values):
            return False
        for name, value in values.items():
            setattr(self, name, value)
        return True
