"""``/service-worker.js``: public, at the root, never stale, without anybody's name in it."""

from django.conf import settings
from django.test import Client

from accounts.models import User


def test_it_is_public_javascript_for_the_whole_site(client: Client, db: None) -> None:
    answer = client.get("/service-worker.js", headers={"Service-Worker": "script"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache"
    assert answer["Service-Worker-Allowed"] == "/"


def test_it_is_the_same_for_everybody(client: Client, owner: User) -> None:
    before = client.get("/service-worker.js").content
    client.force_login(owner)
    assert client.get("/service-worker.js").content == before


def test_texts_and_keys_are_written_as_javascript(client: Client, db: None) -> None:
    script = client.get("/service-worker.js").content.decode()
    assert "{{" not in script
    assert "{%" not in script
    assert settings.WEBPUSH_PUBLIC_KEY in script.replace("\\u002D", "-")
    assert "New notification" in script


def test_it_answers_no_fetch(client: Client, db: None) -> None:
    assert 'addEventListener("fetch"' not in client.get("/service-worker.js").content.decode()


def test_no_other_path_is_a_service_worker(client: Client, db: None) -> None:
    answer = client.get("/manifest.webmanifest", headers={"Service-Worker": "script"})
    assert answer.status_code == 404


def test_only_reading_it_is_allowed(client: Client, db: None) -> None:
    assert client.head("/service-worker.js").status_code == 200
    assert client.post("/service-worker.js").status_code == 405
