"""Who someone is. The e-mail address is the login."""

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts import signals

if TYPE_CHECKING:
    from accounts.models.device import Device


class UserManager(BaseUserManager["User"]):
    """Users by e-mail address, without regard to case."""

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who can sign in at once: the address counts as confirmed."""
        with transaction.atomic():
            user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
            user.confirm_email()
        return user


def validate_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone. Choose one like Europe/Berlin."),
            params={"value": value},
        )


class User(AbstractUser):
    """A person. ``username``, ``first_name`` and ``last_name`` of Django's own are left out."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone]
    )
    language = models.CharField(
        _("language"), max_length=12, default="en", choices=settings.LANGUAGES
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_account_per_email",
                violation_error_message=_("There is an account with this address already."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)

    def confirm_email(self) -> None:
        """Counts the address as confirmed, so that this person can sign in."""
        from allauth.account.models import EmailAddress

        EmailAddress.objects.update_or_create(
            user=self, email=self.email.lower(), defaults={"verified": True, "primary": True}
        )

    def change_password(
        self, password: str, *, device: "Device | None" = None, session_key: str = ""
    ) -> None:
        """Sets the password. Every session and subscription ends but those of ``device`` and ``session_key``."""
        with transaction.atomic():
            self.set_password(password)
            self.save(update_fields=["password"])
            self.sign_out_everywhere(but=device, but_session=session_key)

    def sign_out_everywhere(self, *, but: "Device | None" = None, but_session: str = "") -> None:
        """Ends every session and, with it, every device's push subscription; ``but`` names what stays."""
        from allauth.usersessions.models import UserSession

        with transaction.atomic():
            for session in UserSession.objects.filter(user=self).exclude(session_key=but_session):
                session.end()
            for device in self.devices.exclude(pk__in=[but.pk] if but else []):
                device.sign_out()

    def deactivate(self) -> None:
        """Closes the account to its owner: no session, no push, nothing deleted."""
        with transaction.atomic():
            User.objects.filter(pk=self.pk).update(is_active=False)
            self.is_active = False
            self.sign_out_everywhere()
            signals.user_deactivated.send_robust(sender=User, subject=self, actor=None, device=None)

    def reactivate(self) -> None:
        """Lets the person sign in again. Push comes back device by device, by a tap."""
        User.objects.filter(pk=self.pk).update(is_active=True)
        self.is_active = True
