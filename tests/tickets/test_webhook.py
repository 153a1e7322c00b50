"""``POST /webhooks/mail/{token}``, over real HTTP to the product's own web server, and its refusals."""

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import Organization, User
from tests.fixtures.product import ROOT, Product
from tests.tickets.conftest import make_mail
from tickets.models import Mailbox, RawMail, Ticket


@pytest.fixture
def secret(shop: Organization) -> str:
    """The token of the shop's mailbox."""
    return Mailbox.make(shop, "support@shop.example")[1]


def post(product: Product, token: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(product.url).netloc, timeout=30)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", f"/webhooks/mail/{token}", body, names)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def send_half(product: Product, token: str) -> None:
    """Says 1,000 bytes, sends 100 and hangs up."""
    place = urlsplit(product.url)
    with socket.create_connection((place.hostname, place.port)) as line:
        head = f"POST /webhooks/mail/{token} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        line.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + make_mail()[:100])


def test_mail_comes_in_over_http(product: Product, secret: str) -> None:
    raw = make_mail()
    assert post(product, secret, raw) == (200, {"kind": "ticket", "number": "TKT-001"})
    assert post(product, secret, raw) == (200, {"kind": "duplicate", "number": "TKT-001"})
    form = "application/x-www-form-urlencoded"
    big = make_mail(text="line\n" * 700_000, Subject="big")
    assert post(product, secret, big, Content_Type=form)[1]["kind"] == "ticket"
    assert bytes(RawMail.objects.get(subject="big").raw) == big
    assert post(product, secret, b"\0\xff")[1] == {"kind": "quarantined", "number": None}
    send_half(product, secret)
    status, answer = post(
        product, secret, iter([raw])
    )  # chunked: its end cannot be told from a cut
    assert (status, answer["error"]) == (
        411,
        "Say how long the mail is: Content-Length is missing.",
    )
    assert post(product, "no-such-token", raw)[0] == 404
    assert RawMail.objects.count() == 3


def test_the_secret_url_is_in_no_log(product: Product, secret: str) -> None:
    post(product, secret, make_mail())
    post(product, secret, b"", Content_Length="99999999")
    post(product, f"{secret}/", make_mail(Subject="with a slash"))
    http.client.HTTPConnection(urlsplit(product.url).netloc).request(
        "GET", f"/webhooks/mail/{secret}"
    )
    said = product.log("web").read_text().splitlines()
    assert [line for line in said if secret in line and "HTTP/1.1" not in line] == []
    assert "--no-access-log" in (ROOT / "Procfile").read_text()  # those lines are uvicorn's


def test_too_much_is_refused_in_words_before_it_is_read(client: Client, secret: str) -> None:
    response = client.generic(
        "POST", f"/webhooks/mail/{secret}", b"x", CONTENT_LENGTH=str(26 * 1024 * 1024)
    )
    assert response.status_code == 413
    assert response.json() == {"error": "The mail is too big: at most 26,214,400 bytes are taken."}
    assert RawMail.objects.count() == 0


def test_only_post_is_taken(client: Client, secret: str) -> None:
    response = client.get(f"/webhooks/mail/{secret}")
    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize("token", ["x", "x" * 5000, "%ff%fe", "a/b"])
def test_a_token_that_is_none_is_404(client: Client, db: None, token: str) -> None:
    response = client.generic("POST", f"/webhooks/mail/{token}", make_mail())
    assert response.status_code == 404
    assert RawMail.objects.count() == 0


def test_a_new_url_ends_the_old_one(client: Client, owner: User, shop: Organization) -> None:
    mailbox, old = Mailbox.make(shop, "support@shop.example")
    new = mailbox.rotate_token()
    answers = [
        client.generic("POST", f"/webhooks/mail/{token}", make_mail()) for token in (old, new)
    ]
    assert [answer.status_code for answer in answers] == [404, 200]
    assert Ticket.objects.count() == 1
    stored = list(Mailbox.objects.values_list("token_hash", flat=True))
    assert old not in stored
    assert new not in stored
