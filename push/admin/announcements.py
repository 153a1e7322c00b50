"""Announcements: write, look at it as a lock screen will show it, send, watch, cancel. What is published stays."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.read_only_admin import ReadOnlyAdmin
from push.announcement_form import AnnouncementForm
from push.health import queue
from push.models import Announcement
from push.notices.announcements import audience
from push.notices.preview import preview
from push.notices.progress import Progress, progress_of

PAGES = "admin/push/announcement"
IMPATIENCE = timedelta(seconds=20)
"""An announcement that did not move for so long may want for a process; a step takes a second or two."""


class ProgressList(ChangeList):
    """Each row with its ``progress``, counted for all rows of the page together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        found = progress_of(rows)
        for row in rows:
            row.progress = found[row.pk]
        self.result_list = rows


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    list_display = ("title", "state", "told", "pushes", "created_at", "created_by")
    list_filter = ("state",)
    list_select_related = ("created_by",)
    search_fields = ("title", "body")

    class Media:
        css = {"all": ["push/announcements.css"]}

    @admin.display(description=_("people told"))
    def told(self, row: Any) -> str:
        return _t("%(told)s of %(people)s") % {
            "told": f"{row.progress.told:,}",
            "people": f"{row.people:,}",
        }

    @admin.display(description=_("pushes"))
    def pushes(self, row: Any) -> str:
        progress: Progress = row.progress
        return _t("%(accepted)s accepted, %(waiting)s waiting, %(failed)s failed") % {
            "accepted": f"{progress.accepted:,}",
            "waiting": f"{progress.waiting:,}",
            "failed": f"{progress.failed:,}",
        }

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ProgressList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("push.add_announcement")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("push.change_announcement")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may announce or cancel may look."""
        may = super().has_view_permission(request, obj) or self.has_cancel_permission(request)
        return may or self.has_add_permission(request)

    def get_urls(self) -> list[URLPattern]:
        cancellation = path(
            "<int:pk>/cancellation/",
            self.admin_site.admin_view(self.cancellation),
            name="push_announcement_cancellation",
        )
        return [cancellation, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The form; once it is right, the preview; sent from there, the page that shows its progress."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, "form", {"form": AnnouncementForm()})
        form = AnnouncementForm(request.POST)
        if not form.is_valid() or "_change" in request.POST:
            return self._page(request, "form", {"form": form})
        if "_send" in request.POST:
            return self._send(request, form)
        return self._page(request, "preview", _previewed(form))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """What became of it. There is nothing to change."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        announcement = self._find(object_id)
        progress = progress_of([announcement])[announcement.pk]
        context = {
            "announcement": announcement,
            "preview": preview(announcement.title, announcement.body, announcement.url),
            "progress": progress,
            "stands_still": _standstill(announcement, progress),
            "may_be_cancelled": announcement.may_be_cancelled()
            and self.has_cancel_permission(request),
        }
        return self._page(request, "detail", context)

    def cancellation(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST: nobody else is told."""
        if not self.has_cancel_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        announcement = self._find(str(pk))
        if announcement.cancel():
            self.log_change(request, announcement, [{"changed": {"fields": ["state"]}}])
            said = _t("It is cancelled: nobody else is told, and what waits is not sent.")
            messages.success(request, said)
        else:
            messages.info(request, _t("There was nothing left to cancel."))
        return redirect(announcement)

    def _send(self, request: HttpRequest, form: AnnouncementForm) -> HttpResponse:
        announcement, is_new = form.publish(cast("User", request.user))
        if is_new:
            self.log_addition(request, announcement, [{"added": {}}])
            said = ngettext(
                "Announced to %(people)s person.",
                "Announced to %(people)s people.",
                announcement.people,
            )
            messages.success(request, said % {"people": f"{announcement.people:,}"})
        else:
            messages.info(request, _t("This had been announced already; it was not sent again."))
        return redirect(announcement)

    def _find(self, key: str) -> Announcement:
        rows = Announcement.objects.select_related("created_by")
        found: Announcement | None = rows.filter(pk=key).first() if key.isdecimal() else None
        if found is None:
            raise Http404(_t("There is no such announcement."))
        return found

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> TemplateResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": context.get("announcement") or _t("Announce to everybody"),
        }
        return TemplateResponse(request, f"{PAGES}/{name}.html", shared | context)


def _standstill(announcement: Announcement, progress: Progress) -> str:
    """What nobody does though it is time: ``"telling"`` or ``"sending"``, else ``""``."""
    now = timezone.now()
    if announcement.state in Announcement.UNDER_WAY and announcement.moved_at < now - IMPATIENCE:
        return "telling"
    is_sent = not progress.waiting or announcement.state == Announcement.State.CANCELLED
    return "" if is_sent or not queue.look(now).is_abandoned(now) else "sending"


def _previewed(form: AnnouncementForm) -> dict[str, Any]:
    """What the preview shows; its hidden form carries the checked texts and a fresh token."""
    said = form.cleaned_data
    return {
        "form": form,
        "hidden": AnnouncementForm(initial=said),
        "url": said["url"],
        "leads_nowhere": form.leads_nowhere(),
        "preview": preview(said["title"], said["body"], said["url"]),
        "audience": audience(),
        "latest": Announcement.objects.order_by("-pk").first(),
    }
