"""System checks of the settings: each mistake in words that say what to do."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@register()
def secrets_are_readable(app_configs: Sequence[Any] | None, **_named: Any) -> list[CheckMessage]:
    """``NAME_FILE`` must name a file that can be read."""
    return [
        Error(
            problem,
            hint="Name a readable file, or give the value itself instead.",
            id="fastlinkit.E001",
        )
        for problem in settings.SETTING_PROBLEMS
    ]


@register()
def secret_key_is_set(app_configs: Sequence[Any] | None, **_named: Any) -> list[CheckMessage]:
    """Sessions, tokens and stored secrets hang on it."""
    if settings.SECRET_KEY:
        return []
    hint = "`make serve` writes one into var/.env; otherwise give SECRET_KEY or SECRET_KEY_FILE."
    return [Error("There is no SECRET_KEY.", hint=hint, id="fastlinkit.E002")]


@register()
def site_url_is_sound(app_configs: Sequence[Any] | None, **_named: Any) -> list[CheckMessage]:
    """Links, cookies and web push follow from it."""
    parts = urlsplit(settings.SITE_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        hint = "Give the address that people type, like https://hub.example.org, without a path."
        return [Error(f"SITE_URL is “{settings.SITE_URL}”.", hint=hint, id="fastlinkit.E003")]
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        hint = "Browsers allow web push and service workers on https only. Put TLS in front of it."
        return [
            Warning(
                f"SITE_URL is {settings.SITE_URL}, without TLS.", hint=hint, id="fastlinkit.W001"
            )
        ]
    if parts.scheme == "https" and not settings.TRUSTED_PROXIES:
        hint = "Set TRUSTED_PROXIES to the number of proxies in front (1 for nginx or Caddy)."
        return [
            Warning("SITE_URL is https, but TRUSTED_PROXIES is 0.", hint=hint, id="fastlinkit.W002")
        ]
    return []
