"""``/Support/Mailboxes``: where mail comes in. A secret URL is shown once and stored hashed."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import SignedInRequest
from tickets.forms import MailboxForm
from tickets.models import Mailbox

MAX_LISTED = 200


def get_mailbox_for(request: SignedInRequest, key: int) -> Mailbox:
    """The mailbox, when this person may change it; 404 for everybody else."""
    mailbox: Mailbox | None = Mailbox.objects.managed_by(request.user).filter(pk=key).first()
    if mailbox is None:
        raise Http404(_("There is no such mailbox."))
    return mailbox


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_list(request: SignedInRequest) -> HttpResponse:
    form = MailboxForm(request.user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and (made := form.save()):
        return _secret(request, *made)
    mailboxes = Mailbox.objects.for_user(request.user).select_related("organization")
    context = {
        "form": form,
        "mailboxes": mailboxes.order_by("address")[:MAX_LISTED],
        "managed": set(Mailbox.objects.managed_by(request.user).values_list("pk", flat=True)),
    }
    return render(request, "tickets/mailboxes.html", context, status=422 if form.errors else 200)


@never_cache
@login_required
@require_POST
def token(request: SignedInRequest, key: int) -> HttpResponse:
    """A new secret URL; the old one ends."""
    mailbox = get_mailbox_for(request, key)
    return _secret(request, mailbox, mailbox.rotate_token())


def _secret(request: SignedInRequest, mailbox: Mailbox, token: str) -> HttpResponse:
    """The one page that shows the URL; not a redirect, for a session or a message would keep it."""
    url = f"{settings.SITE_URL}{reverse('tickets:webhook', args=[token])}"
    return render(request, "tickets/secret.html", {"mailbox": mailbox, "url": url})
