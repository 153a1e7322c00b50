"""Addresses that customers write to."""

import hashlib
import secrets
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organization, User

MANAGERS = (Membership.Role.OWNER, Membership.Role.ADMIN)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def for_user(self, user: User) -> "MailboxQuerySet":
        """Those of the organizations that this person is a member of."""
        return self.filter(organization__memberships__user=user)

    def managed_by(self, user: User) -> "MailboxQuerySet":
        """Those that this person may change."""
        return self.filter(
            organization__memberships__in=Membership.objects.filter(user=user, role__in=MANAGERS)
        )


class Mailbox(models.Model):
    """An address of an organization. Its mail comes in by ``receive_mail`` or by the secret URL."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="mailboxes")
    address = models.EmailField(_("address"), max_length=254)
    name = models.CharField(_("name"), max_length=120, blank=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    token_made_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = MailboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("address"),
                name="one_mailbox_per_address",
                violation_error_message=_("There is a mailbox with this address already."),
            )
        ]

    def __str__(self) -> str:
        return self.address

    @classmethod
    def make(
        cls, organization: Organization, address: str, name: str = ""
    ) -> tuple["Mailbox", str]:
        """A new mailbox and its token, which is not stored and cannot be shown again.

        Raises ``IntegrityError`` when the address is taken, in any letter case.
        """
        token = secrets.token_urlsafe(32)
        mailbox = cls.objects.create(
            organization=organization,
            address=address.strip().lower(),
            name=name,
            token_hash=hash_token(token),
        )
        return mailbox, token

    @classmethod
    def for_token(cls, token: str) -> "Mailbox | None":
        found: Mailbox | None = cls.objects.filter(token_hash=hash_token(token)).first()
        return found

    @classmethod
    def for_address(cls, address: str) -> "Mailbox | None":
        """By address in any letter case; ``support+anything@`` is ``support@``'s."""
        local, _at, domain = address.strip().lower().rpartition("@")
        plain = f"{local.partition('+')[0]}@{domain}"
        found: Mailbox | None = None
        for candidate in dict.fromkeys((f"{local}@{domain}", plain)):
            found = found or cls.objects.filter(address__iexact=candidate).first()
        return found

    def rotate_token(self) -> str:
        """A new token; the old one is worth nothing from now on."""
        token = secrets.token_urlsafe(32)
        self.token_hash, self.token_made_at = hash_token(token), timezone.now()
        self.save(update_fields=["token_hash", "token_made_at"])
        return token

    @property
    def display_name(self) -> str:
        """Whom a customer sees as the sender."""
        return self.name or self.organization.name
