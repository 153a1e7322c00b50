"""Push services whose breaker is or was open, and how an admin closes it."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.read_only_admin import ReadOnlyAdmin
from push.admin.records import reason_in_words
from push.delivery import breaker
from push.models import ServiceState


@admin.register(ServiceState)
class ServiceStateAdmin(ReadOnlyAdmin):
    list_display = ("service", "open_until", "opened_at", reason_in_words, "detail", "failures")
    actions = ("resume",)

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
