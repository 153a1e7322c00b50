"""``/Support/Held``: mail that is in no ticket, why, and what can be done about it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from tickets.mail.receive import process_again, release
from tickets.models import RawMail
from tickets.views.files import eml

PAGE_SIZE = 50


def get_held_for(request: SignedInRequest, key: int) -> RawMail:
    """A mail that is held back in an organization of this person's; 404 for everybody else."""
    rows = RawMail.objects.for_user(request.user).select_related("mailbox__organization")
    row: RawMail | None = rows.filter(pk=key, ticket=None).first()
    if row is None:
        raise Http404(_("There is no such mail. It may be in a ticket by now."))
    return row


@login_required
@require_safe
def held_list(request: SignedInRequest) -> HttpResponse:
    rows = RawMail.objects.for_user(request.user).held_back().select_related("mailbox")
    before = request.GET.get("before", "")
    if before.isdecimal():
        rows = rows.filter(pk__lt=min(int(before), 2**62))
    found = list(rows.order_by("-pk")[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    context = {
        "mails": page,
        "older": page[-1] if len(found) > PAGE_SIZE else None,
        "is_first_page": not before,
    }
    return render(request, "tickets/held.html", context)


@login_required
@require_POST
def run(request: SignedInRequest, key: int) -> HttpResponse:
    """Another try with what could not be processed."""
    row = get_held_for(request, key)
    received = process_again(row)
    if received.number:
        return redirect("tickets:ticket", received.number)
    row.refresh_from_db(fields=["status", "error"])
    words = _("Still not in a ticket: %(reason)s")
    messages.warning(request, words % {"reason": row.error or row.get_status_display()})
    return redirect("tickets:held")


@login_required
@require_POST
def ticket(request: SignedInRequest, key: int) -> HttpResponse:
    """Makes a ticket of it all the same."""
    made = release(get_held_for(request, key), request.user, request.device)
    if made is None:
        messages.info(request, _("Somebody else has just done that."))
        return redirect("tickets:held")
    return redirect(made)


@login_required
@require_safe
def raw(request: SignedInRequest, key: int) -> HttpResponse:
    """The mail as it came."""
    row = get_held_for(request, key)
    return eml(bytes(row.raw), f"mail-{row.pk}.eml")
