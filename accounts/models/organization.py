"""Teams. Mailboxes, tickets, transactions and campaigns belong to an organization, never to a person."""

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.models.user import User


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def for_user(self, user: "User") -> "OrganizationQuerySet":
        return self.filter(memberships__user=user)


class Organization(models.Model):
    """Everybody has a personal one (``personal_of``), which is not mentioned until they make another."""

    name = models.CharField(_("name"), max_length=120)
    personal_of = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="personal_organization",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="accounts.Membership", related_name="organizations"
    )

    objects: ClassVar = OrganizationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def personal(cls, user: "User") -> "Organization":
        """The person's own organization, made the first time it is asked for."""
        with transaction.atomic():
            organization, made = cls.objects.get_or_create(
                personal_of=user, defaults={"name": str(user)}
            )
            if made:
                Membership.objects.create(
                    organization=organization, user=user, role=Membership.Role.OWNER
                )
        return organization

    def people(self, *roles: "Membership.Role") -> list["User"]:
        """Active members with one of ``roles`` (all members when none is given), by address."""
        memberships = self.memberships.filter(user__is_active=True).select_related("user")
        if roles:
            memberships = memberships.filter(role__in=roles)
        return [membership.user for membership in memberships.order_by("user__email")]

    def owners(self) -> list["User"]:
        return self.people(Membership.Role.OWNER)

    def answerable(self, maker: "User | None") -> list["User"]:
        """Merchant or campaign owner: who made it, while an Owner or Admin here, else the owners."""
        in_charge = self.people(Membership.Role.OWNER, Membership.Role.ADMIN)
        return [maker] if maker in in_charge and maker is not None else self.owners()


class Membership(models.Model):
    """A person's role in an organization."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        ADMIN = "admin", _("Admin")
        AGENT = "agent", _("Agent")

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=8, choices=Role, default=Role.AGENT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "user"], name="one_membership_per_person_and_organization"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"
