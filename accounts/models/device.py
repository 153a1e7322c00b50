"""A signed-in browser. The lasting thing: sessions and subscriptions come and go on it."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals

if TYPE_CHECKING:
    from accounts.models.user import User

COOKIE = "fli_device"
COOKIE_AGE = 400 * 24 * 60 * 60  # seconds; browsers cap cookies at 400 days (RFC 6265bis)
MAX_DEVICES = 20
SEEN_EVERY = timedelta(minutes=5)


def new_secret() -> str:
    """128 random bits for the ``fli_device`` cookie, 32 hexadecimal digits."""
    return secrets.token_hex(16)


def new_public_id() -> str:
    return secrets.token_urlsafe(9)


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class DeviceQuerySet(models.QuerySet["Device"]):
    def for_browser(self, secret: str) -> "DeviceQuerySet":
        """The devices that one browser stands for: one per person who signed in on it."""
        return self.filter(secret_hash=hash_secret(secret))


class Device(models.Model):
    """One person in one browser. Two people in the same browser are two devices with one ``secret_hash``."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="devices")
    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    name = models.CharField(_("name"), max_length=80)
    browser = models.CharField(_("browser"), max_length=40, blank=True)
    system = models.CharField(_("system"), max_length=40, blank=True)
    push_wanted = models.BooleanField(_("push wanted"), default=False)
    sign_outs = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now, editable=False)

    objects: ClassVar = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "secret_hash"], name="one_device_per_person_and_browser"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["secret_hash"], name="device_by_browser")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def sign_in(
        cls, user: "User", secret: str, *, name: str, browser: str = "", system: str = ""
    ) -> "Device":
        """The device of ``user`` in the browser that holds ``secret``, made when it is new.

        In the same transaction everybody else's push ends in this browser, and beyond ``MAX_DEVICES`` the least
        recently seen device goes, with its subscription.
        """
        with transaction.atomic():
            device, _created = cls.objects.get_or_create(
                user=user,
                secret_hash=hash_secret(secret),
                defaults={"name": name, "browser": browser, "system": system},
            )
            device.see()
            for other in cls.objects.for_browser(secret).exclude(user=user).select_related("user"):
                other.take_over(user)
            others = cls.objects.filter(user=user).exclude(pk=device.pk).order_by("-last_seen_at")
            for forgotten in others[MAX_DEVICES - 1 :]:
                forgotten.remove()
        return device

    def see(self) -> bool:
        """Remembers that the device is in use; written at most every five minutes. True when it was written."""
        now = timezone.now()
        if now - self.last_seen_at < SEEN_EVERY:
            return False
        Device.objects.filter(pk=self.pk).update(last_seen_at=now)
        self.last_seen_at = now
        return True

    def take_over(self, actor: "User") -> None:
        """Somebody else signs in on this browser: this person's push ends here, until they opt in anew."""
        with transaction.atomic():
            self._end()
            signals.device_taken_over.send_robust(
                sender=Device, subject=self, actor=actor, device=self
            )

    def rename(self, name: str) -> None:
        Device.objects.filter(pk=self.pk).update(name=name)
        self.name = name

    def want_push(self, wanted: bool) -> None:
        """Remembers whether this person wants push here; reconciliation acts on it at each page load."""
        Device.objects.filter(pk=self.pk).update(push_wanted=wanted)
        self.push_wanted = wanted

    def sign_out(self) -> None:
        """The session has ended and push ends with it, in one transaction."""
        with transaction.atomic():
            self._end()
            signals.device_signed_out.send_robust(
                sender=Device, subject=self, actor=self.user, device=self
            )

    def _end(self) -> None:
        """What the session's pages were let in by is good no longer (``sign_outs`` is part of it)."""
        self.want_push(False)
        Device.objects.filter(pk=self.pk).update(sign_outs=models.F("sign_outs") + 1)
        self.refresh_from_db(fields=["sign_outs"])

    def remove(self) -> None:
        """Forgets the device: its session is refused at the next request, its subscription has ended."""
        with transaction.atomic():
            self.sign_out()
            self.delete()

    def record(self, what: str, detail: str = "") -> "DeviceEvent":
        """One line in the device's history."""
        return DeviceEvent.objects.create(device=self, what=what, detail=detail[:200])


class DeviceEvent(models.Model):
    """A line in a device's history. ``what`` is a code: push_subscribed, push_repaired, push_ended, …"""

    device = models.ForeignKey(Device, models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now, editable=False)
    what = models.CharField(max_length=40)
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["device", "what", "at"], name="device_history")]
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.what}"
