"""Strangers' bytes on their way to an agent's disk."""

from django.http import HttpResponse


def eml(raw: bytes, name: str) -> HttpResponse:
    """A mail to be saved and never shown: what is in it may be hostile."""
    return HttpResponse(
        raw,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )
