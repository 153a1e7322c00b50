"""Push services whose breaker is or was open: why, until when, what waits, and how an admin closes it."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.read_only_admin import ReadOnlyAdmin
from push.admin.records import reason_in_words
from push.delivery import breaker
from push.health import queue
from push.models import ServiceState


class Services(ChangeList):
    """Adds what waits to the rows of a page, all in one statement."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        shown: list[Any] = list(self.result_list)
        counts = queue.waiting([state.service for state in shown], timezone.now())
        for state in shown:
            state.waiting, _due = counts[state.service]
        self.result_list = shown


@admin.register(ServiceState)
class ServiceStateAdmin(ReadOnlyAdmin):
    list_display = fields = (
        *("service", "state_in_words", "waiting", "why", "detail", "paused_until"),
        *("paused_since", "failures"),
    )
    actions = ("resume",)

    def get_changelist(self, request: HttpRequest, **_named: Any) -> type[ChangeList]:
        return Services

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Paused ones first."""
        return (F("open_until").desc(nulls_last=True), "service")

    @admin.display(description=_("reason"))
    def why(self, state: ServiceState) -> str:
        return reason_in_words(state)

    @admin.display(description=_("state"))
    def state_in_words(self, state: ServiceState) -> str:
        now: datetime = timezone.now()
        if not state.reason:
            return _t("works")
        if state.open_until and state.open_until > now:
            return _t("paused")
        return _t("trying again")

    @admin.display(description=_("paused since"), ordering="opened_at")
    def paused_since(self, state: ServiceState) -> str | None:
        return _moment(state.opened_at)

    @admin.display(description=_("paused until"), ordering="open_until")
    def paused_until(self, state: ServiceState) -> str | None:
        return _moment(state.open_until)

    @admin.display(description=_("waiting"))
    def waiting(self, state: ServiceState) -> str:
        counted: int | None = getattr(state, "waiting", None)
        if counted is None:
            counted, _due = queue.waiting([state.service], timezone.now())[state.service]
        return queue.in_words(counted)

    @admin.action(description=_("Send again now"), permissions=["resume"])
    def resume(self, request: HttpRequest, services: QuerySet[ServiceState]) -> None:
        resumed = sum(breaker.resume(state.service) for state in services)
        said = ngettext(
            "%(count)d push service is sent to again.",
            "%(count)d push services are sent to again.",
            resumed,
        )
        words = said % {"count": resumed} if resumed else _t("None of them was paused.")
        self.message_user(request, words, messages.SUCCESS if resumed else messages.INFO)

    def has_resume_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("push.change_servicestate")


def _moment(at: datetime | None) -> str | None:
    """In the person's zone and language; the admin's page of one row would show it raw."""
    return None if at is None else date_format(timezone.localtime(at), "DATETIME_FORMAT")
