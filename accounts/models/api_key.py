"""API keys: shown once, stored hashed, good for named scopes within one organization."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.organization import Membership, Organization

if TYPE_CHECKING:
    from accounts.models.user import User

SCOPES = (
    "account",
    "payments-read",
    "payment-api",
    "webhooks",
    "support",
    "ticket-submit",
    "fundraising",
    "drops",
)
FULL_ACCESS = "*"
LIVE_PREFIX = "fli_"
TEST_PREFIX = "fli_test_"
SEEN_INTERVAL = timedelta(minutes=5)


def hash_key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class ApiKey(models.Model):
    """Acts as its maker within one organization, and dies with either."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=80)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    beginning = models.CharField(max_length=16, editable=False)
    test = models.BooleanField(_("test mode"), default=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.beginning}…)"

    @classmethod
    def make(
        cls,
        user: "User",
        organization: Organization,
        name: str,
        scopes: list[str],
        *,
        test: bool = False,
    ) -> tuple["ApiKey", str]:
        """A new key and its text, which is not stored and cannot be shown again.

        Raises ``ValidationError`` for unknown scopes or none.
        """
        unknown = [scope for scope in scopes if scope not in (*SCOPES, FULL_ACCESS)]
        if unknown or not scopes:
            raise ValidationError(
                _("Name at least one scope out of: %(scopes)s."),
                params={"scopes": ", ".join((*SCOPES, FULL_ACCESS))},
            )
        text = (TEST_PREFIX if test else LIVE_PREFIX) + secrets.token_urlsafe(32)
        key = cls.objects.create(
            user=user,
            organization=organization,
            name=name,
            key_hash=hash_key(text),
            beginning=text[:12],
            test=test,
            scopes=scopes,
        )
        return key, text

    @classmethod
    def authenticate(cls, text: str) -> "ApiKey | None":
        """The key that ``text`` is, if it is good now: maker active and still a member."""
        now = timezone.now()
        key = (
            cls.objects.filter(key_hash=hash_key(text), revoked_at=None, user__is_active=True)
            .filter(models.Q(expires_at=None) | models.Q(expires_at__gt=now))
            .filter(
                models.Exists(
                    Membership.objects.filter(
                        user=models.OuterRef("user"), organization=models.OuterRef("organization")
                    )
                )
            )
            .select_related("user", "organization")
            .first()
        )
        if key is not None and (key.last_used_at is None or key.last_used_at < now - SEEN_INTERVAL):
            cls.objects.filter(pk=key.pk).update(last_used_at=now)
        return key

    def allows(self, scope: str) -> bool:
        return scope in self.scopes or FULL_ACCESS in self.scopes
