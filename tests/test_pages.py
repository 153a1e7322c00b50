"""The front door, the pages for when something went wrong, and what holds for every answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client, RequestFactory, override_settings

from accounts.models import User
from fastlinkit import home


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.mark.django_db
class TestHome:
    def test_a_visitor_reads_what_this_is_and_how_to_begin(self, client: Client) -> None:
        page = client.get("/").content.decode()
        assert "The right person hears it" in page
        assert 'href="/Account/Register"' in page
        assert 'href="/Account/Login"' in page

    def test_a_signed_in_person_sees_their_own_things(self, signed_in: Client) -> None:
        page = signed_in.get("/").content.decode()
        assert "Hello, Olga Owner" in page
        assert "/Drops" in page.split("<main")[1]
        assert "/Notifications" in page.split("<main")[1]
        assert "Create an account" not in page

    def test_a_name_is_text_and_nothing_else(self, signed_in: Client, owner: User) -> None:
        User.objects.filter(pk=owner.pk).update(name="<script>alert(1)</script>")
        assert "<script>alert" not in signed_in.get("/").content.decode()

    def test_everybody_can_skip_to_the_content(self, client: Client) -> None:
        page = client.get("/").content.decode()
        assert 'href="#content"' in page
        assert '<main id="content"' in page

    def test_nothing_of_it_is_kept_by_caches(self, signed_in: Client) -> None:
        assert "no-store" in signed_in.get("/").headers["Cache-Control"]


@pytest.mark.django_db
class TestHealth:
    def test_it_is_well_while_the_database_answers(self, client: Client) -> None:
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")

    def test_it_needs_nobody_to_be_signed_in_and_leaves_no_cookie(self, client: Client) -> None:
        assert not client.get("/healthz").cookies

    def test_without_the_database_it_says_so(self, client: Client) -> None:
        def refuse(execute: Callable[..., Any], *arguments: Any) -> Any:
            raise OperationalError("could not connect")

        with connection.execute_wrapper(refuse):
            answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")


@pytest.mark.django_db
class TestWhenSomethingWentWrong:
    def test_an_unknown_page_says_what_to_do(self, client: Client) -> None:
        answer = client.get("/nothing/here")
        assert answer.status_code == 404
        assert "There is nothing here" in answer.content.decode()

    def test_it_keeps_the_top_bar_of_a_signed_in_person(self, signed_in: Client) -> None:
        assert "Sign out" in signed_in.get("/nothing/here").content.decode()

    def test_a_stale_form_says_what_to_do(self, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get("/Account/Login")
        answer = client.post("/Account/Login", {"login": owner.email})
        assert answer.status_code == 403
        assert "reload the page and send it again" in answer.content.decode()

    def test_a_browser_without_cookies_is_told_that_they_are_missing(self, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        answer = client.post("/Account/Login", {"login": owner.email})
        assert "Allow cookies for this site" in answer.content.decode()

    def test_a_request_for_another_host_is_refused(self, client: Client) -> None:
        answer = client.get("/", headers={"host": "evil.example"})
        assert answer.status_code == 400
        assert "did not understand" in answer.content.decode()

    def test_the_page_for_a_crash_needs_no_database(
        self, rf: RequestFactory, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        with django_assert_num_queries(0):
            answer = home.server_error(rf.get("/"))
        assert answer.status_code == 500
        assert "Something broke on our side" in answer.content.decode()


@pytest.mark.django_db
class TestLetterCase:
    @pytest.mark.parametrize(
        ("asked", "canonical"),
        [
            ("/account/login", "/Account/Login"),
            ("/ACCOUNT/MANAGE", "/Account/Manage"),
            ("/notifications", "/Notifications"),
            ("/drops/", "/Drops"),
            ("/Docs/Manual/browser-push-notifications", "/docs/manual/browser-push-notifications"),
            ("/account/login?next=/Drops", "/Account/Login?next=/Drops"),
            ("/Service-Worker.js", "/service-worker.js"),
            ("/Admin", "/admin/"),
            ("/ADMIN/", "/admin/"),
            ("/Admin/Accounts/User/?q=a", "/admin/accounts/user/?q=a"),
        ],
    )
    def test_any_spelling_leads_to_the_one_address(
        self, client: Client, asked: str, canonical: str
    ) -> None:
        answer = client.get(asked)
        assert (answer.status_code, answer.headers["Location"]) == (301, canonical)
        assert client.head(asked).headers["Location"] == canonical

    def test_codes_keep_their_letters(self, client: Client) -> None:
        assert client.get("/drops/AbC-dE").headers["Location"] == "/Drops/AbC-dE"
        location = client.get("/account/email/confirm/AbC:dE").headers["Location"]
        assert location == "/Account/Email/Confirm/AbC:dE"

    def test_what_is_posted_is_not_sent_round(self, client: Client) -> None:
        assert client.post("/account/login").status_code == 404

    def test_nobody_is_sent_to_another_site(self, client: Client) -> None:
        answer = client.get("/", PATH_INFO="//evil.example/account/login")
        assert answer.status_code == 404


@pytest.mark.django_db
class TestEveryAnswer:
    PAGES = ("/", "/Account/Login", "/nothing", "/healthz", "/service-worker.js")

    @pytest.mark.parametrize("path", PAGES)
    def test_has_the_security_headers(self, client: Client, path: str) -> None:
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "base-uri 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "worker-src http://localhost:8000/service-worker.js" in policy
        assert "unsafe" not in policy

    @pytest.mark.parametrize(
        "path", ["/", "/Account/Manage", "/Notifications", "/Drops", "/Account/Password/Change"]
    )
    def test_has_no_inline_script_or_style(self, signed_in: Client, path: str) -> None:
        page = signed_in.get(path).content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert not [word for word in (" onclick=", " onload=", " onsubmit=") if word in page]
        for script in page.split("<script")[1:]:
            opening = script.split(">")[0]
            assert "src=" in opening or ('type="importmap"' in opening and "nonce=" in opening)

    def test_only_the_service_worker_may_be_registered_as_one(self, client: Client) -> None:
        asked = {"Service-Worker": "script"}
        assert client.get("/service-worker.js", headers=asked).status_code == 200
        script = Path(settings.STATIC_ROOT) / "served.js"
        script.write_text("self")
        assert Client().get("/static/served.js").status_code == 200
        assert Client().get("/static/served.js", headers=asked).status_code == 404
        assert client.get("/healthz", headers=asked).status_code == 404

    @pytest.mark.parametrize(
        "path", ["/Drops/%00", "/Drops?before=%00", "/Notifications?before=a%00", "/%00"]
    )
    def test_a_null_character_in_an_address_is_refused(self, signed_in: Client, path: str) -> None:
        answer = signed_in.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.content.decode()

    def test_a_null_character_in_a_cookie_is_refused(self, client: Client) -> None:
        client.cookies["sessionid"] = "\0" * 20
        assert client.get("/Drops").status_code == 400

    def test_behind_https_browsers_are_told_to_stay_there(self, client: Client) -> None:
        with override_settings(SECURE_HSTS_SECONDS=31_536_000):
            secure = Client(headers={"x-forwarded-proto": "https"})
            with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
                assert "max-age=31536000" in secure.get("/").headers["Strict-Transport-Security"]
        assert "Strict-Transport-Security" not in client.get("/").headers


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/Account/Manage", "/Notifications", "/"])
def test_a_page_makes_a_constant_number_of_queries(
    signed_in: Client, owner: User, path: str, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    signed_in.get(path)
    with django_assert_max_num_queries(15) as few:
        signed_in.get(path)
    for number in range(10):
        owner.devices.create(name=f"Device {number}", secret_hash=f"{number:064d}")
    with django_assert_max_num_queries(15) as many:
        signed_in.get(path)
    assert len(few) == len(many)
