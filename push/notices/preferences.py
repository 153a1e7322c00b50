"""Which kinds a person wants. Only departures from the catalogue are stored."""

from collections.abc import Collection, Iterable, Iterator

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from push.models import KindPreference
from push.notices.kinds import KINDS, Group, Kind

GROUP_LABELS: dict[Group, Promise | str] = {
    Group.PAYMENTS: _("Payments"),
    Group.SUPPORT: _("Support"),
    Group.ACCOUNT: _("Account"),
    Group.SYSTEM: _("System"),
}


def choosable(user: User) -> Iterator[Kind]:
    """The kinds that this person can switch: a kind that joins the catalogue appears by itself."""
    return (kind for kind in KINDS if kind.bell and (user.is_staff or not kind.staff_only))


def switched_off(user: User) -> set[str]:
    """Names of the kinds that this person does not want."""
    off = KindPreference.objects.filter(user=user, enabled=False)
    return set(off.values_list("kind", flat=True))


def unwilling(kind: Kind, people: Iterable[int]) -> set[int]:
    """Who of ``people`` (primary keys) does not want this kind."""
    off = KindPreference.objects.filter(user__in=list(people), kind=kind.name, enabled=False)
    return set(off.values_list("user_id", flat=True))


def choose(user: User, wanted: Collection[str]) -> None:
    """Stores what departs from the catalogue: of the choosable kinds, those not in ``wanted``."""
    names = {kind.name for kind in choosable(user)}
    with transaction.atomic():
        KindPreference.objects.filter(user=user, kind__in=names).delete()
        KindPreference.objects.bulk_create(
            KindPreference(user=user, kind=name) for name in sorted(names - set(wanted))
        )
