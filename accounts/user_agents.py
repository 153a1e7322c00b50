"""Which browser on which system, from the user agent: enough to tell one's own devices apart.

Brave says that it is Chrome and iPads say that they are Macs; neither can be told here.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

# (name, what its user agent has). The first that matches: Edge also says Chrome, Chrome also says Safari.
BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:A|iOS)?/")),
    ("Opera", re.compile(r"\b(?:OPR|OPT|OPX)/|\bOpera\b")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bVersion/[\d.]+ (?:Mobile/\S+ )?Safari/")),
)
SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("macOS", re.compile(r"\bMac OS X\b|\bMacintosh\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
)
LONGEST = 512  # characters; what is beyond tells nothing


@dataclass(frozen=True, slots=True)
class UserAgent:
    """``browser`` and ``system`` are empty when they cannot be told."""

    browser: str
    system: str

    @property
    def name(self) -> str:
        """What a new device is called, in the language in use."""
        if self.browser and self.system:
            return _("%(browser)s on %(system)s") % {
                "browser": self.browser,
                "system": self.system,
            }
        return self.browser or self.system or _("Unknown browser")


def parse(user_agent: str) -> UserAgent:
    """Reads the ``User-Agent`` header; anything at all is taken."""
    text = user_agent[:LONGEST]
    return UserAgent(*(_first(table, text) for table in (BROWSERS, SYSTEMS)))


def _first(table: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((name for name, pattern in table if pattern.search(text)), "")
