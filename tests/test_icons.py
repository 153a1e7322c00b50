"""Every page names its icon, so that no browser asks for one that is not there."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db

ICON = re.compile(r'<link rel="icon"[^>]*href="/static/([^"]+)"')


def icon_of(html: str) -> str:
    (path,) = ICON.findall(html)
    return str(path)


@pytest.mark.parametrize(
    "path", ["/", "/Account/Login", "/nothing", "/admin/", "/admin/push/delivery/"]
)
def test_a_page_names_its_icon(client: Client, owner: User, path: str) -> None:
    if path.startswith("/admin/"):
        User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
        client.force_login(owner)
    assert finders.find(icon_of(client.get(path).content.decode()))


@pytest.mark.parametrize("template", ["400.html", "500.html"])
def test_a_page_without_anybody_names_its_icon(template: str) -> None:
    assert finders.find(icon_of(render_to_string(template)))


def test_whoever_asks_without_reading_a_page_is_shown_the_way(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert finders.find(answer["Location"].removeprefix("/static/"))
    assert "max-age=86400" in answer["Cache-Control"]
