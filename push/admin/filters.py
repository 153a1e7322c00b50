"""Filters whose choices are known beforehand: Django's own would read a whole table for them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from push.delivery import endpoints
from push.delivery.vapid import keyring
from push.notices.kinds import KINDS


class _ChoiceFilter(admin.SimpleListFilter):
    """The rows whose field ``parameter_name`` holds the choice."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return queryset.filter(**{str(self.parameter_name): chosen}) if chosen else queryset


class ServiceFilter(_ChoiceFilter):
    title = _("push service")
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(service, service) for service in endpoints.services()]


class KindFilter(_ChoiceFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.name, kind.name) for kind in KINDS]


class KeyFilter(_ChoiceFilter):
    """By VAPID key: how many devices have moved to the new one."""

    title = _("VAPID key")
    parameter_name = "key_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key_id, key_id) for key_id in keyring().pairs]
