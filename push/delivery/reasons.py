"""Why a push did not arrive, in a person's words: one table, read by pages, manual and doctor."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Reason:
    """What happened, what to do about it, and where the manual says more."""

    code: str
    title: "_StrPromise"
    fix: "_StrPromise"

    @property
    def anchor(self) -> str:
        """The anchor in the manual's page on browser push: ``reason-key-mismatch``."""
        return "reason-" + self.code.replace("_", "-")


_WAIT = _("Nothing to do: it is sent again by itself until its time to live is spent.")
_SUBSCRIBE = _("Open this site on that device; it subscribes anew by itself or with one tap.")
_OPERATOR = _("An administrator should look at the log: this is a fault of this server.")

# The answers of push services.
_ANSWERED = (
    Reason(
        "gone",
        _("The browser has ended this subscription."),
        _SUBSCRIBE,
    ),
    Reason(
        "slow_down",
        _("The push service asks us to slow down."),
        _WAIT,
    ),
    Reason(
        "too_many_tokens",
        _("Apple saw too many new signatures from this server within an hour."),
        _("Wait an hour. If it comes back, run fewer push workers."),
    ),
    Reason(
        "service_trouble",
        _("The push service has trouble of its own."),
        _WAIT,
    ),
    Reason(
        "too_big",
        _("The push service finds the message too big."),
        _("Nothing to do: it is shortened and sent once more."),
    ),
    Reason(
        "redirect",
        _("Something answered with a redirect, which no push service does."),
        _("An administrator should check the proxy between this server and the internet."),
    ),
    Reason(
        "bad_request",
        _("The push service did not understand our request."),
        _OPERATOR,
    ),
    Reason(
        "bad_topic",
        _("The push service refused the Topic of the message."),
        _OPERATOR,
    ),
    Reason(
        "bad_ttl",
        _("The push service refused the time to live of the message."),
        _OPERATOR,
    ),
    Reason(
        "bad_urgency",
        _("The push service refused the urgency of the message."),
        _OPERATOR,
    ),
    Reason(
        "bad_encryption",
        _("The push service found the message wrongly encrypted."),
        _OPERATOR,
    ),
    Reason(
        "key_mismatch",
        _("This browser subscribed with another server key."),
        _SUBSCRIBE,
    ),
    Reason(
        "bad_token",
        _("The push service refused our signature."),
        _(
            "An administrator should check three things: WEBPUSH_SUBJECT is a contact address "
            "that works, the key pair is whole, and the server's clock is right."
        ),
    ),
    Reason(
        "clock",
        _("This server's clock is wrong, so push services refuse its signatures."),
        _("An administrator should set the clock (NTP)."),
    ),
    Reason(
        "refused",
        _("The push service refused us."),
        _(
            "If it happens on one device only, subscribe there anew. If on many, an "
            "administrator should check the WEBPUSH settings."
        ),
    ),
    Reason(
        "rejected",
        _("The push service rejected this message."),
        _OPERATOR,
    ),
    Reason(
        "unexpected_answer",
        _("The push service answered something that is not in the standard."),
        _("An administrator should check the proxy between this server and the internet."),
    ),
)

# What went wrong before there was an answer.
_NETWORK = (
    Reason("timeout", _("The push service did not answer in time."), _WAIT),
    Reason(
        "dns",
        _("The name of the push service could not be found."),
        _("An administrator should check the server's name servers (DNS). It is sent again."),
    ),
    Reason(
        "connect",
        _("The push service could not be reached."),
        _("An administrator should check the firewall: port 443 outwards. It is sent again."),
    ),
    Reason(
        "proxy",
        _("The proxy did not let us through to the push service."),
        _("An administrator should check HTTPS_PROXY and NO_PROXY. It is sent again."),
    ),
    Reason(
        "tls",
        _("There was no safe connection to the push service (TLS)."),
        _(
            "An administrator should check the clock and the CA certificates (SSL_CERT_FILE). "
            "It is sent again."
        ),
    ),
    Reason("reset", _("The connection to the push service broke."), _WAIT),
    Reason("bad_answer", _("What answered does not speak the web's language (HTTP)."), _WAIT),
    Reason("network", _("The network failed on the way to the push service."), _WAIT),
    Reason(
        "bad_endpoint",
        _("The address of this subscription cannot be used."),
        _SUBSCRIBE,
    ),
)

# What this server knows without asking anybody.
_OURS = (
    Reason(
        "bad_device_keys",
        _("The keys of this browser cannot be used to encrypt."),
        _SUBSCRIBE,
    ),
    Reason("too_long", _("The message is longer than a push can be."), _OPERATOR),
    Reason("internal", _("A fault of this server stopped the message."), _OPERATOR),
    Reason(
        "unknown_key",
        _("This browser subscribed with a server key that this server no longer has."),
        _(
            "Open this site on that device; it subscribes anew. An administrator who still has "
            "the old key pair can name it in WEBPUSH_PREVIOUS_KEYS."
        ),
    ),
    Reason(
        "expired",
        _("Its time to live was spent before it could be delivered."),
        _("Nothing to do: it is still in the bell."),
    ),
    Reason("read", _("You had read it before it was sent."), _("Nothing to do.")),
    Reason(
        "unsubscribed",
        _("Push was turned off on this device before it was sent."),
        _("Turn push on there again if you want it."),
    ),
    Reason(
        "endpoint_gone",
        _("The subscription had ended before it was sent."),
        _SUBSCRIBE,
    ),
    Reason(
        "master_off",
        _("Push is turned off for your account."),
        _("Turn it on in your account's settings."),
    ),
    Reason(
        "not_wanted",
        _("You have turned this kind of notification off."),
        _("Turn it on in your account's notification preferences if you want it."),
    ),
    Reason(
        "cancelled",
        _("The announcement was cancelled before it was sent."),
        _("Nothing to do."),
    ),
    Reason(
        "no_worker",
        _("No worker has taken it for 10 s: push_worker is not running."),
        _("An administrator should start “manage.py push_worker”."),
    ),
    Reason(
        "breaker",
        _("Sending to this push service is paused because it failed too often."),
        _WAIT,
    ),
    Reason(
        "mass_failure",
        _("Suspiciously many devices of this push service failed at once."),
        _(
            "Nothing is deleted. An administrator should check the server's clock and its "
            "WEBPUSH settings."
        ),
    ),
    Reason(
        "shown_unknown",
        _("The push service took it; this browser does not tell whether it was shown."),
        _("Look at the device. If nothing appears, check its notification settings."),
    ),
    Reason(
        "not_shown",
        _("The push service took it, but the browser has not shown it yet."),
        _("Check that the device is on and online, and its notification settings."),
    ),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in (*_ANSWERED, *_NETWORK, *_OURS)}
"""Every code that ``Answer.reason`` or ``Delivery.reason`` can hold, the empty one apart."""
