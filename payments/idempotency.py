"""``Idempotency-Key``: a request that is sent again is answered again, and done once.

https://docs.stripe.com/api/idempotent_requests and draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.api_keys import ApiError
from accounts.models import ApiKey
from payments.models import IdempotentRequest, Transaction
from payments.models.idempotent_request import LEASE

MAX_KEY = 255  # characters


def key_in(header: str | None) -> str:
    """The key of the header; empty when there is none. Raises ``ApiError``."""
    if header is None:
        return ""
    if not 0 < len(header) <= MAX_KEY or not header.isascii() or not header.isprintable():
        raise ApiError(
            400,
            _("Idempotency-Key has to be 1 to %(number)d printable ASCII characters.")
            % {"number": MAX_KEY},
            code="idempotency_key_invalid",
            kind="idempotency_error",
        )
    return header


def fingerprint(*parts: str) -> str:
    """Tells requests apart: same parts, same text."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def begin(key: ApiKey, header: str, print_: str) -> IdempotentRequest:
    """The stored request, which is the caller's to do now, or holds its ``answer`` already.

    Raises:
        ApiError: 422 for another request under this key, 409 while the first one runs.
    """
    same = {"organization": key.organization, "livemode": not key.test, "key": header}
    try:
        with transaction.atomic():
            made: IdempotentRequest = IdempotentRequest.objects.create(**same, fingerprint=print_)
            return made
    except IntegrityError:
        row: IdempotentRequest = IdempotentRequest.objects.select_related("transaction").get(**same)
    if row.fingerprint != print_:
        raise ApiError(
            422,
            _("This Idempotency-Key was used for another request. Use a new one."),
            code="idempotency_key_in_use",
            kind="idempotency_error",
        )
    if row.answer is None:
        _take_over(row)
    return row


def _take_over(row: IdempotentRequest) -> None:
    """Goes on with a request that broke off. Raises ``ApiError`` while somebody is at it."""
    now = timezone.now()
    if row.running_since is None or row.running_since < now - LEASE:
        mine = IdempotentRequest.objects.filter(pk=row.pk, running_since=row.running_since)
        if mine.update(running_since=now):
            row.refresh_from_db()
            return
    raise ApiError(
        409,
        _("The first request with this Idempotency-Key is still running."),
        code="idempotency_key_in_use",
        kind="idempotency_error",
        headers={"Retry-After": "2"},
    )


def prepare_once(row: IdempotentRequest | None, prepare: Callable[[], Transaction]) -> Transaction:
    """The request's transaction: the one of its first try, else a new one that it remembers."""
    if row is not None and row.transaction is not None:
        return row.transaction
    with transaction.atomic():
        made = prepare()
        if row is not None:
            IdempotentRequest.objects.filter(pk=row.pk).update(transaction=made)
    return made


def end(row: IdempotentRequest | None, status: int, answer: str) -> None:
    """Stores the answer (JSON), unless it says that we or Stripe failed: then the request may be tried again."""
    if row is None:
        return
    fields = {} if status >= 500 else {"status_code": status, "answer": answer}
    IdempotentRequest.objects.filter(pk=row.pk).update(running_since=None, **fields)
