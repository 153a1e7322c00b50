"""What a person wants to hear: the master switch, and the kinds they have switched off."""

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.models import User


class Preference(models.Model):
    """No row means: push off (nobody has subscribed yet)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="push_preference"
    )
    push_enabled = models.BooleanField(_("Enable browser push notifications"), default=False)

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return str(self.user)

    @classmethod
    def push_is_on(cls, user: "User") -> bool:
        return cls.objects.filter(user=user, push_enabled=True).exists()

    @classmethod
    def set_push(cls, user: "User", enabled: bool) -> None:
        """The account's master switch. Subscriptions stay as they are."""
        cls.objects.update_or_create(user=user, defaults={"push_enabled": enabled})


class KindPreference(models.Model):
    """A departure from the catalogue: new accounts have every kind on, and no row here."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="kind_preferences"
    )
    kind = models.CharField(max_length=60)
    enabled = models.BooleanField(_("bell and push"), default=False)

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name = _("kind preference")
        verbose_name_plural = _("kind preferences")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "kind"], name="one_preference_per_person_and_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"
