"""``/Support``: the list, a ticket's conversation, and answers to it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from tickets.forms import ReplyForm
from tickets.models import Mailbox, Message, RawMail, Ticket
from tickets.views.files import eml

PAGE_SIZE = 30
TILE_SIZE = 3


def get_ticket_for(request: SignedInRequest, number: str) -> Ticket:
    """The ticket, when it is of an organization of this person's; 404 for everybody else, as if there were none."""
    rows = Ticket.objects.for_user(request.user).select_related("mailbox", "organization")
    ticket: Ticket | None = rows.filter(number=number.upper()).first()
    if ticket is None:
        raise Http404(_("There is no such ticket."))
    return ticket


def get_message_for(request: SignedInRequest, number: str, key: int) -> Message:
    """A message of a ticket that this person may see."""
    message: Message | None = get_ticket_for(request, number).messages.filter(pk=key).first()
    if message is None:
        raise Http404(_("There is no such message."))
    return message


@login_required
@require_safe
def ticket_list(request: SignedInRequest) -> HttpResponse:
    search, status = request.GET.get("q", "").strip()[:200], request.GET.get("status", "")
    before = request.GET.get("before")
    start = get_ticket_for(request, before) if before else None
    rows = Ticket.objects.for_user(request.user).with_status(status).search(search)
    found = list(rows.select_related("assignee").before(start)[: PAGE_SIZE + 1])
    page = found[:PAGE_SIZE]
    context = {
        "tickets": page,
        "older": page[-1] if len(found) > PAGE_SIZE else None,
        "is_first_page": start is None,
        "q": search,
        "status": status if status in Ticket.Status else "",
        "statuses": Ticket.Status.choices,
        "has_mailbox": Mailbox.objects.for_user(request.user).exists(),
        "held": RawMail.objects.for_user(request.user).held_back()[:100].count(),
    }
    return render(request, "tickets/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ticket(request: SignedInRequest, number: str) -> HttpResponse:
    ticket = get_ticket_for(request, number)
    form = ReplyForm(request.POST) if request.method == "POST" else ReplyForm()
    if form.is_bound and form.is_valid() and ticket.can_be_answered():
        message = form.send(ticket, request.user, request.device)
        messages.success(request, _("Your answer is on its way."))
        return redirect(message)
    conversation = list(ticket.messages.conversation())
    for message in conversation:
        message.ticket = ticket
    context = {"ticket": ticket, "conversation": conversation, "form": form}
    return render(request, "tickets/ticket.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def closure(request: SignedInRequest, number: str) -> HttpResponse:
    ticket = get_ticket_for(request, number)
    if ticket.close():
        messages.success(
            request,
            _("%(number)s is closed. A new mail in it opens it again.") % {"number": ticket},
        )
    return redirect("tickets:list")


@login_required
@require_POST
def sending(request: SignedInRequest, number: str, key: int) -> HttpResponse:
    """Sends an answer again that has failed."""
    message = get_message_for(request, number, key)
    if message.send_again():
        messages.success(request, _("Your answer is on its way."))
    return redirect(message)


@login_required
@require_safe
def raw(request: SignedInRequest, number: str, key: int) -> HttpResponse:
    """The mail as it came."""
    message = get_message_for(request, number, key)
    if message.raw is None:
        raise Http404(_("This message did not come by mail."))
    return eml(bytes(message.raw.raw), f"{message.ticket.number}-{message.pk}.eml")


def tile(request: SignedInRequest) -> dict[str, Any]:
    """For the dashboard: how many are open, and the ones that were touched last."""
    rows = Ticket.objects.for_user(request.user).with_status(Ticket.Status.OPEN)
    return {
        "open": rows[:1000].count(),
        "tickets": list(rows.before(None)[:TILE_SIZE]),
        "has_mailbox": Mailbox.objects.for_user(request.user).exists(),
    }
