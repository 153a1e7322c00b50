"""Where buyers are sent after paying. The URL comes from an API key's holder, so it is looked at twice."""

from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Organization
from payments.models import RedirectHost

MAX_LENGTH = 2000
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FORBIDDEN = ' \\"<>'


def url_problem(url: str, organization: Organization, *, test: bool) -> str:
    """Why buyers are not sent to ``url``, in words; empty when they are.

    ``{CHECKOUT_SESSION_ID}`` is left for Stripe to fill in.
    """
    parts = _split(url)
    if parts is None or not parts.hostname:
        return _("This is not a complete URL, like https://shop.example.org/thanks.")
    if "@" in parts.netloc:
        return _("The URL must not hold a user name or password.")
    own = urlsplit(settings.SITE_URL)
    if (parts.scheme, parts.netloc.lower()) == (own.scheme, own.netloc.lower()):
        return ""
    if test and parts.hostname in LOOPBACK and parts.scheme in ("http", "https"):
        return ""
    if parts.scheme != "https":
        return _(
            "The URL has to begin with https:// (http:// only for localhost, with a test key)."
        )
    hosts = RedirectHost.objects.filter(organization=organization, host=parts.hostname)
    if not hosts.exists():
        return _("%(host)s is not on this organization's list of redirect hosts.") % {
            "host": parts.hostname
        }
    return ""


def _split(url: str) -> SplitResult | None:
    """None for what browsers and this function may read differently."""
    if len(url) > MAX_LENGTH or not url.isascii() or not url.isprintable():
        return None
    if any(char in url for char in FORBIDDEN):
        return None
    try:
        parts = urlsplit(url)
        _port = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    return parts
