import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.user_agents import parse

WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROMIUM = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
            "Firefox on Android",
        ),
        (f"{WINDOWS} {CHROMIUM} Safari/537.36", "Chrome on Windows"),
        (f"{WINDOWS} {CHROMIUM} Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
        (f"{WINDOWS} {CHROMIUM} Safari/537.36 OPR/120.0.0.0", "Opera on Windows"),
        (f"{ANDROID} {CHROMIUM} Mobile Safari/537.36", "Chrome on Android"),
        (f"{ANDROID} {CHROMIUM} Mobile Safari/537.36 EdgA/140.0.0.0", "Edge on Android"),
        (
            f"{ANDROID} AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
        ),
        (f"{MAC} {WEBKIT} Version/18.0 Safari/605.1.15", "Safari on macOS"),
        (f"{IPHONE} {WEBKIT} Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} {WEBKIT} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"{IPHONE} {WEBKIT} FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone"),
        (
            f"{IPHONE} {WEBKIT} Version/18.0 EdgiOS/140.0 Mobile/15E148 Safari/605.1.15",
            "Edge on iPhone",
        ),
        (f"{IPAD} {WEBKIT} Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPad"),
        (
            f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROMIUM} Safari/537.36",
            "Chrome on ChromeOS",
        ),
        (f"{IPHONE} {WEBKIT} Mobile/15E148", "iPhone"),
        ("curl/8.9.1", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_it_names_the_browser_and_its_system(user_agent: str, name: str) -> None:
    assert parse(user_agent).name == name


@given(st.text(max_size=2000))
def test_whatever_the_header_says_a_device_has_a_short_name(user_agent: str) -> None:
    assert 0 < len(parse(user_agent).name) <= 80
