"""A campaign: what is collected for, and the page where everybody can give."""

import secrets
from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organization, User
from payments import currencies

CODE_LENGTH = 9
CODE_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is misread on paper: i l o 0 1
MANAGERS = (Membership.Role.OWNER, Membership.Role.ADMIN)
MAX_STORY = 20_000  # characters


def new_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _position in range(CODE_LENGTH))


@dataclass(frozen=True, slots=True)
class Totals:
    """Minor units. ``received`` is real money; ``test`` came by test cards and counts nowhere."""

    received: int
    number: int
    promised: int
    test: int


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def for_user(self, user: User) -> "CampaignQuerySet":
        """What this person may manage: they are an Owner or Admin of its organization."""
        managed = Membership.objects.filter(user=user, role__in=MANAGERS)
        return self.filter(organization__in=managed.values("organization"))

    def by_code(self, code: str) -> "CampaignQuerySet":
        """The campaign that a public link names."""
        return self.filter(code=code)

    def before(self, row: "Campaign | None") -> "CampaignQuerySet":
        """Newest first, from the one after ``row`` on. Its second condition is the one an index can use."""
        if row is None:
            return self.order_by("-created_at", "-pk")
        older = Q(created_at__lt=row.created_at) | Q(pk__lt=row.pk)
        return self.filter(older, created_at__lte=row.created_at).order_by("-created_at", "-pk")

    def with_amounts(self) -> "CampaignQuerySet":
        """With ``received`` and ``donors``: sums over rows of live mode."""
        real = Q(donations__status="paid", donations__livemode=True)
        return self.annotate(
            received=Coalesce(Sum("donations__amount", filter=real), 0),
            donors=Count("donations", filter=real),
        )


class Campaign(models.Model):
    """Belongs to an organization; ``made_by`` is the campaign owner while they have a say there."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LIVE = "live", _("Live")
        PAUSED = "paused", _("Paused")
        ENDED = "ended", _("Ended")

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="campaigns")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="campaigns"
    )
    code = models.CharField(max_length=32, unique=True, default=new_code, editable=False)
    title = models.CharField(_("title"), max_length=120)
    story = models.TextField(_("story"), max_length=MAX_STORY, blank=True)
    goal = models.BigIntegerField(_("goal"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    minimum = models.BigIntegerField(_("least amount"))
    presets = models.JSONField(_("suggested amounts"), default=list)
    transfer_details = models.TextField(_("bank details"), max_length=1000, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    ends_at = models.DateTimeField(_("end"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(goal=None) | Q(goal__gt=0), name="goal_is_positive"),
            models.CheckConstraint(condition=Q(minimum__gt=0), name="minimum_is_positive"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-created_at"], name="campaigns_by_time")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The owner's page."""
        return reverse("fundraising:campaign", args=[self.code])

    def public_path(self) -> str:
        return reverse("fundraising:page", args=[self.code])

    def public_url(self) -> str:
        return f"{settings.SITE_URL}{self.public_path()}"

    def has_ended(self) -> bool:
        past = self.ends_at is not None and self.ends_at <= timezone.now()
        return past or self.state == self.State.ENDED

    def is_open(self) -> bool:
        """Whether the page asks for donations. What somebody has begun to pay is taken in any case."""
        return self.state == self.State.LIVE and not self.has_ended()

    def answerable(self) -> list[User]:
        """The campaign owner, or those who stand in for them."""
        return self.organization.answerable(self.made_by)

    def totals(self) -> Totals:
        """Sums over the rows, in one query."""
        paid, real = Q(status="paid"), Q(livemode=True)
        promised = Q(status="pending") & ~Q(source="stripe")
        sums = self.donations.aggregate(
            received=Sum("amount", filter=paid & real, default=0),
            number=Count("pk", filter=paid & real),
            promised=Sum("amount", filter=promised, default=0),
            test=Sum("amount", filter=paid & ~real, default=0),
        )
        return Totals(**sums)

    def percent(self, received: int) -> int | None:
        """How much of the goal that is, rounded down; more than 100 past the goal. None without one."""
        return received * 100 // self.goal if self.goal else None

    def amount_text(self, amount: int) -> str:
        return currencies.format_amount(amount, self.currency)
