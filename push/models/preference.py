"""A person's master switches."""

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
