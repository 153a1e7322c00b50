"""``/api/``: the apps' routers under one roof, and one shape for whatever goes wrong there."""

import logging
import secrets
from collections.abc import Callable, Sequence

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from accounts.api_keys import ApiError, refuse_key_in_url
from payments.api import router as payments

type GetResponse = Callable[[HttpRequest], HttpResponseBase]

logger = logging.getLogger(__name__)

# The pages for readers come later; until then the schema is no promise.
api = NinjaAPI(title="FastLinkIt", urls_namespace="api", docs_url=None, openapi_url=None)
api.add_router("/payment/", payments)


def request_id(get_response: GetResponse) -> GetResponse:
    """Middleware: every answer under ``/api/`` has a ``Request-Id``, for the day when somebody asks about it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path_info.startswith("/api/"):
            response.headers["Request-Id"] = f"req_{secrets.token_hex(10)}"
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def error(request: HttpRequest, problem: ApiError) -> HttpResponse:
    response = api.create_response(request, problem.body, status=problem.status)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


@api.exception_handler(ApiError)
def api_error(request: HttpRequest, problem: ApiError) -> HttpResponse:
    return error(request, problem)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, _problem: Exception | None = None) -> HttpResponse:
    message = _("There is nothing at %(path)s.") % {"path": request.path}
    return error(request, ApiError(404, message, code="resource_missing"))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, problem: HttpError) -> HttpResponse:
    """django-ninja's own: a body that cannot be parsed."""
    message = _("The body is not a JSON object.") if problem.status_code == 400 else str(problem)
    return error(request, ApiError(problem.status_code, message, code="parameter_invalid"))


@api.exception_handler(ValidationError)
def validation_error(request: HttpRequest, problem: ValidationError) -> HttpResponse:
    """The first of what pydantic found, with the parameter's name as it was sent."""
    first = problem.errors[0]
    param = parameter_name(first.get("loc", ()))
    codes = {"missing": "parameter_missing", "extra_forbidden": "parameter_unknown"}
    code = codes.get(first.get("type", ""), "parameter_invalid")
    text = str(first.get("msg", "")).removeprefix("Value error, ")
    message = f"{param}: {text}" if param else text
    return error(request, ApiError(400, message, code=code, param=param))


@api.exception_handler(Exception)
def our_fault(request: HttpRequest, problem: Exception) -> HttpResponse:
    logger.error("%s %s failed.", request.method, request.path, exc_info=problem)
    message = _("Something broke on our side. It has been logged under this Request-Id's time.")
    return error(request, ApiError(500, message, code="server_error", kind="api_error"))


def parameter_name(location: Sequence[object]) -> str | None:
    """("body", "checkout", "line_items", 0, "amount") -> "line_items[0][amount]"; None for the body itself."""
    names = list(location)[2:] if location and location[0] == "body" else list(location)[1:]
    if not names:
        return None
    return str(names[0]) + "".join(f"[{name}]" for name in names[1:])


@csrf_exempt
def no_such_path(request: HttpRequest, rest: str) -> HttpResponse:
    """Whatever under ``/api/`` no router knows."""
    try:
        refuse_key_in_url(request)
    except ApiError as problem:
        return error(request, problem)
    return not_found(request)
