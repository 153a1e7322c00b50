"""``POST /webhooks/mail/{token}``: one mail as raw MIME, from whatever takes mail in for us."""

from http import HTTPStatus

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from tickets.mail.receive import MAX_SIZE, receive
from tickets.models import Mailbox

PIECE = 262_144  # bytes read at a time


@csrf_exempt
@never_cache
def mail(request: HttpRequest, token: str) -> JsonResponse:
    """Answers ``{kind, number}``. Any mail is taken, whatever it holds; only its size and wholeness are looked at."""
    request.path = request.path_info = (
        "/webhooks/mail/…"  # what Django logs of requests that it refuses
    )
    if request.method != "POST":
        answer = _refusal(HTTPStatus.METHOD_NOT_ALLOWED, _("Send the mail by POST."))
        answer.headers["Allow"] = "POST"
        return answer
    mailbox = Mailbox.for_token(token.rstrip("/"))
    if mailbox is None:
        words = _("No mailbox has this URL. It may have been replaced by a new one.")
        return _refusal(HTTPStatus.NOT_FOUND, words)
    size = request.META.get("CONTENT_LENGTH") or ""
    if not size.isdecimal():
        words = _("Say how long the mail is: Content-Length is missing.")
        return _refusal(HTTPStatus.LENGTH_REQUIRED, words)
    if len(size) > 12 or int(size) > MAX_SIZE:
        words = _("The mail is too big: at most %(limit)s bytes are taken.")
        return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words % {"limit": f"{MAX_SIZE:,}"})
    return _take(request, mailbox, int(size))


def _take(request: HttpRequest, mailbox: Mailbox, size: int) -> JsonResponse:
    raw = bytearray()
    while piece := request.read(min(PIECE, size - len(raw))):
        raw += piece
        if len(raw) >= size:
            break
    if len(raw) < size:  # half a mail would be another mail when it comes again
        words = _("The mail did not arrive whole. Send it again.")
        return _refusal(HTTPStatus.BAD_REQUEST, words)
    received = receive(mailbox, bytes(raw))
    return JsonResponse({"kind": received.kind, "number": received.number or None})


def _refusal(status: HTTPStatus, words: str) -> JsonResponse:
    return JsonResponse({"error": words}, status=status)
