"""What uvicorn runs: ``/events`` is a small raw ASGI application, everything else is Django behind a2wsgi.

Django's own ASGI handler spools whole bodies before the view, reads whole files into memory and
takes a thread and a database connection per open stream; this pair does not.
"""

from typing import Any, cast

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi_typing import WSGIApp

from fastlinkit.wsgi import application as django_application  # first: it sets Django up
from push.notices.live import events

WSGI_THREADS = 16

_pages = WSGIMiddleware(cast(WSGIApp, django_application), workers=WSGI_THREADS)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """One ASGI application for HTTP and lifespan."""
    if scope["type"] == "http" and scope["path"] == "/events":
        await events(scope, receive, send)
    else:
        await _pages(scope, receive, send)
