"""The card "Browser push — this device", and the page that it stands on."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Device, User
from push.views.anchors import CARD_STATES, MANUAL_PAGE
from tests.push.browsers import Browser

STATIC = Path(settings.BASE_DIR, "static", "push")
BROWSERS = ("chrome", "edge", "firefox", "safari", "samsung", "brave", "ios", "other")


@pytest.fixture
def browser(owner: User) -> Browser:
    return Browser(owner)


def page(browser: Browser) -> str:
    answer = browser.client.get("/Account/Manage")
    assert answer.status_code == 200
    return str(answer.content.decode())


def state_of(html: str, code: str) -> str:
    match = re.search(rf'<template data-push-state="{code}">(.*?)</template>', html, re.DOTALL)
    assert match, f"the card has no words for {code}"
    return match[1]


def test_every_state_has_words_of_its_own_and_a_way_to_the_manual(browser: Browser) -> None:
    html = page(browser)
    said = set()
    for code, anchor in CARD_STATES:
        words = state_of(html, code)
        assert f'href="/docs/manual/{MANUAL_PAGE}#{anchor}"' in words, code
        assert re.search(r'class="push-head[^>]*>[^<]+<', words), code
        said.add(" ".join(re.sub(r"<[^>]+>", " ", words).split()))
    assert len(said) == len(CARD_STATES)


def test_the_modules_know_the_same_states_as_the_page() -> None:
    modules = "".join(
        (STATIC / name).read_text("utf-8")
        for name in ("situation.js", "browser.js", "reconcile.js")
    )
    for code, _anchor in CARD_STATES:
        assert f'"{code}"' in modules, f"no module ever decides on {code}"


BUTTONS = {
    "not-asked": ["subscribe"],
    "subscribed": ["test", "unsubscribe"],
    "paused": ["master", "unsubscribe"],
    "allowed": ["subscribe"],
    "elsewhere": ["subscribe"],
    "lost": ["subscribe"],
    "stopped": ["subscribe"],
}


def test_each_state_has_only_the_buttons_that_make_sense(browser: Browser) -> None:
    html = page(browser)
    for code, _anchor in CARD_STATES:
        found = re.findall(r'data-push-action="([a-z]+)"', state_of(html, code))
        assert found == BUTTONS.get(code, []), code


def test_each_browser_has_its_own_steps_out_of_a_deny(browser: Browser) -> None:
    words = state_of(page(browser), "denied")
    named = " ".join(re.findall(r'data-steps="([^"]+)"', words)).split()
    assert set(BROWSERS) <= set(named)
    assert len(named) == len(set(named))
    assert named[-1] == "other"


def test_only_administrators_are_told_the_command(browser: Browser, owner: User) -> None:
    assert "vapid_keys" not in page(browser)
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert "manage.py vapid_keys" in state_of(page(browser), "unconfigured")


def test_the_page_tells_the_modules_what_the_server_knows(browser: Browser) -> None:
    body = browser.subscribe()
    html = page(browser)
    data = {
        name: unescape(value)
        for name, value in re.findall(r'data-(\w+)="([^"]*)"', html.split("data-push-page", 1)[1])
    }
    facts = json.loads(data["facts"])
    assert (facts["state"], facts["device"]) == ("active", browser.device.public_id)
    assert data["key"] == settings.WEBPUSH_PUBLIC_KEY
    assert json.loads(data["urls"])["subscription"] == "/push/subscription"
    assert data["csrf"]
    assert data["events"]
    assert body["endpoint"] not in html


def test_without_keys_the_page_has_none_to_subscribe_with(browser: Browser, settings: Any) -> None:
    settings.WEBPUSH_PUBLIC_KEY = settings.WEBPUSH_PRIVATE_KEY = ""
    assert 'data-key=""' in page(browser)


def test_the_cards_stand_in_their_order_each_with_its_anchor(browser: Browser) -> None:
    ids = re.findall(r'id="(profile|push|devices|security)"', page(browser))
    assert ids == ["profile", "push", "devices", "security"]


def test_no_page_holds_inline_script_or_style_but_the_import_map(browser: Browser) -> None:
    for path in ("/Account/Manage", "/Notifications"):
        html = browser.client.get(path).content.decode()
        inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html)
        assert len(inline) == 1
        assert re.fullmatch(r'<script type="importmap" nonce="[^"]+">', inline[0])
        assert not re.search(r"\s(style|on\w+)=", html)


def test_the_import_map_names_every_module_and_modules_import_nothing_else(
    browser: Browser,
) -> None:
    html = page(browser)
    found = re.search(r"<script type=.importmap[^>]*>(.*?)</script>", html)
    assert found
    imports = json.loads(found[1])["imports"]
    assert set(imports) == {f"push/{path.name}" for path in STATIC.glob("*.js")}
    for path in STATIC.glob("*.js"):
        for name in re.findall(r'from "([^"]+)"', path.read_text("utf-8")):
            assert name in imports, f"{path.name} imports {name}"


def test_the_number_of_queries_does_not_grow_with_devices(
    browser: Browser, owner: User, django_assert_max_num_queries: Any
) -> None:
    browser.subscribe()
    page(browser)
    with django_assert_max_num_queries(15) as few:
        page(browser)
    for number in range(15):
        Device.objects.create(user=owner, name=f"Device {number}", secret_hash=f"{number:064d}")
    with django_assert_max_num_queries(15) as many:
        page(browser)
    assert len(many) == len(few)


def test_whoever_is_signed_out_is_asked_to_sign_in(client: Client, db: None) -> None:
    answer = client.get("/Account/Manage")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/Account/Login")
