"""``/Drops``: send text to one's own other devices, and what has been sent."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Device
from accounts.requests import SignedInRequest
from drops.forms import TextForm
from drops.models import Drop

PAGE_SIZE = 30
TILE_SIZE = 3
TILE_COUNT = 100  # beyond that "99+": counting must not grow with the table


def get_drop_for(request: SignedInRequest, public_id: str) -> Drop:
    """The Drop, when it is this person's; 404 for everybody else, as if there were none."""
    drop: Drop | None = Drop.objects.for_user(request.user).filter(public_id=public_id).first()
    if drop is None:
        raise Http404(_("There is no such Drop. It may have been deleted."))
    return drop


def other_devices(request: SignedInRequest) -> list[Device]:
    """Where a Drop of this person goes, the device in use left out."""
    devices = Device.objects.filter(user=request.user).order_by("-last_seen_at")
    return list(devices.exclude(pk=request.device.pk) if request.device else devices)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def drop_list(request: SignedInRequest) -> HttpResponse:
    form = TextForm(request.POST) if request.method == "POST" else TextForm()
    if form.is_bound and form.is_valid():
        form.send(request.user, request.device)
        messages.success(request, _sent(len(other_devices(request))))
        return redirect("drops:list")
    before = request.GET.get("before")
    start = get_drop_for(request, before) if before else None
    rows, has_more = Drop.page(request.user, start, PAGE_SIZE)
    context = {
        "form": form,
        "devices": other_devices(request),
        "rows": [_row(request, row) for row in rows],
        "older": rows[-1] if has_more else None,
        "is_first_page": start is None,
        "site_url": settings.SITE_URL,
    }
    return render(request, "drops/list.html", context, status=422 if form.errors else 200)


def _sent(number: int) -> str:
    if not number:
        return _("Kept. It will be here when you sign in on another device.")
    return ngettext(
        "Sent to your other device.", "Sent to your %(number)d other devices.", number
    ) % {"number": number}


def _row(request: SignedInRequest, drop: Drop) -> dict[str, Any]:
    """A Drop as this device sees it."""
    return {
        "drop": drop,
        "unread": drop.is_unread_for(request.user, request.device),
        "from_here": bool(request.device and drop.sender_device_id == request.device.pk),
    }


@never_cache
@login_required
@require_http_methods(["GET", "HEAD"])
def drop(request: SignedInRequest, public_id: str) -> HttpResponse:
    drop = get_drop_for(request, public_id)
    row = _row(request, drop)
    if row["unread"] and request.method == "GET":
        drop.mark_read(request.user, request.device)
    return render(
        request, "drops/drop.html", row | {"focus_copy": request.GET.get("focus") == "copy"}
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def removal(request: SignedInRequest, public_id: str) -> HttpResponse:
    drop = get_drop_for(request, public_id)
    if request.method == "POST":
        drop.remove(request.user, request.device)
        messages.success(request, _("The Drop is deleted."))
        return redirect("drops:list")
    return render(request, "drops/removal.html", _row(request, drop))


def tile(request: SignedInRequest) -> dict[str, Any]:
    """For the dashboard: how many are unread, and the last ones."""
    rows, _has_more = Drop.page(request.user, None, TILE_SIZE)
    return {
        "unread": Drop.objects.unread(request.user, request.device)[:TILE_COUNT].count(),
        "rows": [_row(request, row) for row in rows],
    }
