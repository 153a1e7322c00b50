"""``/Notifications``: what happened, newest first; opening one marks it as read and goes where it happened."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest, form_target
from push.models import Notification
from push.models.notification import NotificationQuerySet
from push.views.context import bar, lines

PAGE_SIZE = 30


def get_notification_for(request: SignedInRequest, public_id: str) -> Notification:
    """The notification, when it is in this person's bell; 404 for everybody else."""
    found: Notification | None = _bell(request).filter(public_id=public_id).first()
    if found is None:
        raise Http404(_("There is no such notification. It may have been deleted."))
    return found


@never_cache
@login_required
@require_safe
def listing(request: SignedInRequest) -> HttpResponse:
    """One page, by key: the last row of a page names the next one, so that any depth is quick."""
    rows = _bell(request)
    before = request.GET.get("before")
    if before:
        rows = _older(rows, get_notification_for(request, before))
    found = list(rows[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    context = {
        "lines": lines(page, request.device),
        "older": page[-1] if len(found) > PAGE_SIZE else None,
        "is_first_page": not before,
    }
    return render(request, "push/notifications.html", context)


@login_required
@require_safe
def notification(request: SignedInRequest, public_id: str) -> HttpResponse:
    """Opens it."""
    found = get_notification_for(request, public_id)
    if request.method == "GET":
        _bell(request).filter(pk=found.pk).mark_read()
    if not url_has_allowed_host_and_scheme(found.url, allowed_hosts=None):
        return redirect("push:notifications")
    return HttpResponseRedirect(found.url)


@form_target(reverse_lazy("push:notifications"))
def reading_of(request: SignedInRequest, public_id: str) -> HttpResponse:
    """Marks one as read."""
    found = get_notification_for(request, public_id)
    _bell(request).filter(pk=found.pk).mark_read()
    before = request.GET.get("before")
    query = {"before": before} if before else None
    return HttpResponseRedirect(reverse("push:notifications", query=query))


@form_target(reverse_lazy("push:notifications"))
def reading(request: SignedInRequest) -> HttpResponse:
    """Marks all as read."""
    _bell(request).mark_read()
    return redirect("push:notifications")


@never_cache
@login_required
@require_safe
def latest(request: SignedInRequest) -> HttpResponse:
    """The bell's list alone, for a page on which something new has been told."""
    return render(request, "push/_bell_items.html", bar(request))


def tile(request: SignedInRequest) -> dict[str, Any]:
    """For the dashboard: what the bell knows."""
    return bar(request)


def _older(rows: NotificationQuerySet, start: Notification) -> NotificationQuerySet:
    same_time = Q(created_at=start.created_at, pk__lt=start.pk)
    return rows.filter(
        Q(created_at__lte=start.created_at) & (Q(created_at__lt=start.created_at) | same_time)
    )


def _bell(request: SignedInRequest) -> NotificationQuerySet:
    rows: NotificationQuerySet = Notification.objects.bell(request.user)
    return rows
