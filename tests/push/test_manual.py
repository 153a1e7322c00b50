"""The manual: public, whole, and with an anchor for everything that links to it."""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from push.delivery.reasons import REASONS
from push.notices.kinds import KINDS
from push.views.anchors import CARD_STATES, MANUAL_PAGE
from push.views.manual import BROWSER_PUSH

URL = f"/docs/manual/{MANUAL_PAGE}"


class Page(HTMLParser):
    """Ids, links within the page, heading levels and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if tag == "a" and (named.get("href") or "").startswith("#"):
            self.links.append(str(named["href"])[1:])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> Page:
    """Signed out, and without a database: the page asks it nothing."""
    response = Client().get(URL)
    assert response.status_code == 200
    return Page(response.content.decode())


@pytest.mark.parametrize("anchor", sorted({anchor for _state, anchor in CARD_STATES}))
def test_every_state_of_the_card_has_its_place(page: Page, anchor: str) -> None:
    assert page.ids.count(anchor) == 1


@pytest.mark.parametrize("reason", REASONS.values(), ids=list(REASONS))
def test_every_reason_is_explained_with_its_fix(page: Page, reason: Any) -> None:
    assert page.ids.count(reason.anchor) == 1
    assert str(reason.title) in page.text
    assert str(reason.fix) in page.text


def test_no_id_is_there_twice_and_no_link_leads_nowhere(page: Page) -> None:
    assert [name for name, number in Counter(page.ids).items() if number > 1] == []
    assert set(page.links) - set(page.ids) == set()


def test_the_contents_name_every_chapter_and_entry(page: Page) -> None:
    for section in BROWSER_PUSH:
        assert section.anchor in page.links
        assert str(section.title) in page.text
        for anchor, title in section.entries:
            assert anchor in page.links
            assert str(title) in page.text


def test_headings_skip_no_level(page: Page) -> None:
    assert page.headings.count(1) == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)


def test_it_lists_what_triggers_a_push_from_the_catalogue(page: Page) -> None:
    for kind in KINDS:
        assert (str(kind.label) in page.text) == kind.bell


def test_links_from_elsewhere_name_only_anchors_that_exist(page: Page) -> None:
    link = re.compile(r"(?:push:manual[^}]*%\}|manual/browser-push-notifications)#([\w-]+)")
    sources = [
        *settings.BASE_DIR.glob("*/templates/**/*.html"),
        *settings.BASE_DIR.glob("templates/**/*.html"),
    ]
    linked = {anchor for path in sources for anchor in link.findall(path.read_text())}
    assert linked - set(page.ids) == set()


def test_other_pages_of_the_manual_do_not_exist(client: Client, db: None) -> None:
    assert client.get("/docs/manual/no-such-page").status_code == 404


def test_every_sentence_goes_through_the_translators() -> None:
    folder = settings.BASE_DIR / "push/templates/push/manual"
    for path in sorted(folder.glob("*.html")):
        source = re.sub(
            r"\{%\s*blocktranslate.*?endblocktranslate\s*%\}", "", path.read_text(), flags=re.S
        )
        prose = Page(re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.S)).text
        prose = re.sub(r"\.venv/bin/python manage\.py .*", "", prose)
        names = {"Chrome", "Edge", "Firefox", "Brave", "Opera", "Safari", "Samsung Internet"}
        names |= {"Samsung", "Xiaomi, Redmi, Poco", "Huawei, Honor"}
        left = {line.strip() for line in prose.splitlines() if line.strip()} - names
        assert left == set(), path.name
