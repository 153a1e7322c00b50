"""``/manifest.webmanifest``: what makes the site an app, and the pictures that it names."""

from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from push.delivery.payload import BADGE, ICON


def test_it_is_public_and_installable(client: Client, db: None) -> None:
    answer = client.get("/manifest.webmanifest")
    manifest = answer.json()
    assert answer["Content-Type"] == "application/manifest+json"
    assert answer["Cache-Control"] == "no-cache"
    assert (manifest["id"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    assert manifest["start_url"].startswith(manifest["scope"])
    assert client.get(manifest["start_url"]).status_code == 200


def test_every_icon_is_there_in_the_size_it_claims(client: Client, db: None) -> None:
    icons = client.get("/manifest.webmanifest").json()["icons"]
    assert {icon["purpose"] for icon in icons} == {"any", "maskable", "monochrome"}
    for icon in icons:
        found = finders.find(icon["src"].removeprefix(settings.STATIC_URL))
        assert isinstance(found, str), icon["src"]
        width, height = Image.open(BytesIO(Path(found).read_bytes())).size
        assert icon["sizes"] == f"{width}x{height}"


@pytest.mark.parametrize("name", [ICON, BADGE, "icons/apple-touch-icon.png"])
def test_pages_and_pushes_find_their_icons(name: str) -> None:
    assert finders.find(name)


def test_a_maskable_icon_fills_its_square_and_a_badge_is_one_colour() -> None:
    masked = Image.open(str(finders.find("icons/icon-maskable-512.png"))).convert("RGBA")
    assert masked.getpixel((0, 0)) == masked.getpixel((511, 511)) == (59, 91, 219, 255)
    badge = Image.open(str(finders.find(BADGE))).convert("RGBA")
    colours = {colour[:3] for _count, colour in badge.getcolors(10_000) or [] if colour[3] == 255}
    assert colours == {(255, 255, 255)}
