"""How the settings read the environment: secrets by value or by file, key pairs, the mail server."""

import os
from pathlib import Path
from typing import Any

import environ

MAIL_TIMEOUT = 20  # seconds

MAX_IN_FLIGHT = 3000
"""Messages to one push service: libcurl keeps to 32 connections of 100 streams."""

MAX_TIMEOUT = 40
"""Seconds for one message: well within the 60 for which a worker holds it."""
MAX_DAYS = 36_500


def secret(name: str, problems: list[str]) -> str:
    """The value of ``name``, or the content of the file that ``name_FILE`` names.

    A file that cannot be read is added to ``problems``, which the system checks report.
    """
    path = os.environ.get(f"{name}_FILE", "")
    if not path:
        return os.environ.get(name, "").strip()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        problems.append(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.")
        return ""


def days(name: str, default: int, problems: list[str]) -> int:
    """A number of days from 1 to ``MAX_DAYS``; anything else is added to ``problems``."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_DAYS:
        return int(text)
    problems.append(f"{name} is “{text}”, which is not a number of days from 1 to {MAX_DAYS}.")
    return default


_LIMITS = {
    "IN_FLIGHT_MIN": (4, MAX_IN_FLIGHT),
    "IN_FLIGHT_START": (32, MAX_IN_FLIGHT),
    "IN_FLIGHT_MAX": (1000, MAX_IN_FLIGHT),
    "CONNECT_TIMEOUT": (5, MAX_TIMEOUT),
    "TOTAL_TIMEOUT": (10, MAX_TIMEOUT),
}


def sending_limits(problems: list[str]) -> dict[str, int]:
    """Messages in flight to one push service, seconds for one message: ``WEBPUSH_`` and these names.

    What is no whole number in its range, or in the wrong order, is added to ``problems``.
    """
    limits = {}
    for name, (default, largest) in _LIMITS.items():
        text = os.environ.get(f"WEBPUSH_{name}", "").strip()
        is_good = text.isascii() and text.isdigit() and 1 <= int(text) <= largest
        limits[name] = int(text) if is_good else default
        if text and not is_good:
            problems.append(
                f"WEBPUSH_{name} is “{text}”, which is not a whole number from 1 to {largest}."
            )
    if not limits["IN_FLIGHT_MIN"] <= limits["IN_FLIGHT_START"] <= limits["IN_FLIGHT_MAX"]:
        problems.append("WEBPUSH_IN_FLIGHT_MIN, _START and _MAX must not fall in this order.")
    if limits["CONNECT_TIMEOUT"] > limits["TOTAL_TIMEOUT"]:
        problems.append("WEBPUSH_CONNECT_TIMEOUT must not be more than WEBPUSH_TOTAL_TIMEOUT.")
    return limits


def key_pairs(text: str) -> list[tuple[str, str]]:
    """``public:private,public:private`` in pieces."""
    pairs = [pair.strip().partition(":") for pair in text.split(",") if pair.strip()]
    return [(public, private) for public, _colon, private in pairs]


def mailer(url: str, folder: Path) -> dict[str, Any]:
    """Django's ``MAILERS`` entry for an ``EMAIL_URL``; without one, mails become files in ``folder``."""
    if not url:
        backend = "accounts.mail.FileAndConsoleBackend"
        return {"BACKEND": backend, "OPTIONS": {"file_path": folder}}
    mail = environ.Env.email_url_config(url)
    return {
        "BACKEND": mail["EMAIL_BACKEND"],
        "OPTIONS": {
            "host": mail["EMAIL_HOST"],
            "port": mail["EMAIL_PORT"] or 25,
            "username": mail["EMAIL_HOST_USER"] or "",
            "password": mail["EMAIL_HOST_PASSWORD"] or "",
            "use_tls": bool(mail.get("EMAIL_USE_TLS")),
            "use_ssl": bool(mail.get("EMAIL_USE_SSL")),
            "timeout": MAIL_TIMEOUT,
        },
    }
