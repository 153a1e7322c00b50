"""``X-Api-Key`` at the door of ``/api/``, and the shape of every error there (Stripe's).

https://docs.stripe.com/api/errors
"""

from collections.abc import Mapping
from typing import Any, Never

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import APIKeyHeader

from accounts.models import ApiKey
from accounts.models.api_key import LIVE_PREFIX


class ApiRequest(HttpRequest):
    """What a view behind ``RequiresScope`` is given."""

    auth: ApiKey


class ApiError(Exception):
    """Ends a request with ``{"error": {type, code, param, message}}``.

    ``kind``: invalid_request_error, authentication_error, idempotency_error or api_error.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: dict[str, Any] = {
            "error": {"type": kind, "code": code, "param": param, "message": message}
        }


class RequiresScope(APIKeyHeader):
    """For django-ninja's ``auth=``: a key that is good now and has one of ``scopes``; else 401 or 403."""

    param_name = "X-Api-Key"

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, key: str | None) -> ApiKey:
        refuse_key_in_url(request)
        if not key:
            unauthorized(_("Give your API key in the X-Api-Key header."), "api_key_missing")
        found = ApiKey.authenticate(key.strip())
        if found is None:
            unauthorized(
                _("This API key is not valid: mistyped, revoked, expired, or its maker has left."),
                "api_key_invalid",
            )
        if not any(found.allows(scope) for scope in self.scopes):
            raise ApiError(
                403,
                _("This API key lacks the scope %(scope)s.") % {"scope": self.scopes[0]},
                code="scope_missing",
            )
        return found


def refuse_key_in_url(request: HttpRequest) -> None:
    """URLs end up in logs and histories: a key in one is known to others."""
    if LIVE_PREFIX in request.get_full_path():
        unauthorized(
            _(
                "An API key was sent in the URL, where logs keep it. Revoke that key, and send a new one in the"
                " X-Api-Key header."
            ),
            "api_key_in_url",
        )


def unauthorized(message: str, code: str) -> Never:
    raise ApiError(
        401,
        message,
        code=code,
        kind="authentication_error",
        headers={"WWW-Authenticate": 'ApiKey realm="FastLinkIt"'},
    )
