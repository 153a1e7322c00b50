"""``/Support`` as agents and strangers see it."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Organization, User
from tests.tickets.conftest import answer, make_mail
from tickets.mail.receive import Received, receive
from tickets.models import Mailbox, Message, RawMail, Ticket, TicketPrefix

Deliver = Callable[..., Received]


def page(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status
    return response.content.decode()


def reply(client: Client, text: str, client_id: str | None = None) -> Any:
    values = {"text": text, "client_id": client_id or str(uuid.uuid4())}
    return client.post("/Support/TKT-001", values)


def test_an_agent_reads_a_ticket_and_answers_it(agent: Client, ticket: Ticket) -> None:
    assert "Printer on fire" in page(agent, "/Support")
    opened = page(agent, "/Support/TKT-001")
    assert "Cora Customer" in opened
    assert "It does not work." in opened
    response = reply(agent, "Put it out first.")
    message = Message.objects.get(direction="out")
    assert response["Location"] == f"/Support/TKT-001#message-{message.pk}"
    opened = page(agent, "/Support/TKT-001")
    assert "Put it out first." in opened
    assert "on its way" in opened
    assert "Waiting" in opened


@pytest.mark.parametrize(
    "path",
    [
        "/Support/TKT-001",
        "/Support/TKT-001/closure",
        "/Support/TKT-001/{message}/sending",
        "/Support/TKT-001/{message}/raw",
        "/Support/Held/{raw}/raw",
        "/Support/Held/{raw}/run",
        "/Support/Held/{raw}/ticket",
        "/Support/Mailboxes/{mailbox}/token",
        "/Support?before=TKT-001",
    ],
)
def test_a_stranger_finds_nothing(
    outsider: Client, agent: Client, ticket: Ticket, deliver: Deliver, path: str
) -> None:
    deliver(From=None)
    keys = {
        "message": ticket.messages.get().pk,
        "raw": RawMail.objects.get(status="quarantined").pk,
        "mailbox": Mailbox.objects.get().pk,
    }
    url = path.format(**keys)
    method = "get" if url.endswith("/raw") or "?" in url or url == "/Support/TKT-001" else "post"
    assert getattr(outsider, method)(url).status_code == 404
    assert getattr(Client(), method)(url).status_code == 302
    assert getattr(agent, method)(url).status_code in (200, 302)


def test_a_stranger_sees_none_of_it_in_lists(
    outsider: Client, ticket: Ticket, deliver: Deliver
) -> None:
    deliver(From=None, Subject="held secret")
    for path in ("/Support", "/Support?q=printer", "/Support/Held", "/Support/Mailboxes", "/"):
        text = page(outsider, path)
        assert "Printer on fire" not in text
        assert "held secret" not in text
        assert "support@shop.example" not in text


def test_a_stranger_cannot_answer(outsider: Client, ticket: Ticket) -> None:
    assert reply(outsider, "hello").status_code == 404
    assert Message.objects.filter(direction="out").count() == 0


def test_the_same_form_twice_is_one_answer(agent: Client, ticket: Ticket) -> None:
    client_id = str(uuid.uuid4())
    assert reply(agent, "once", client_id).status_code == 302
    assert reply(agent, "once", client_id).status_code == 302
    assert Message.objects.filter(direction="out").count() == 1


@pytest.mark.parametrize(
    ("text", "client_id"), [("", None), (" \n\t ", None), ("x" * 100_001, None), ("hi", "no uuid")]
)
def test_an_answer_that_is_none_is_said_on_the_form(
    agent: Client, ticket: Ticket, text: str, client_id: str | None
) -> None:
    response = reply(agent, text, client_id)
    assert response.status_code == 422
    assert Message.objects.filter(direction="out").count() == 0


def test_nul_in_an_answer_does_no_harm(agent: Client, ticket: Ticket) -> None:
    assert reply(agent, "a\0b").status_code in (302, 422)


def test_what_a_stranger_wrote_is_only_text(agent: Client, deliver: Deliver) -> None:
    evil = "<script>alert(1)</script>"
    deliver(Subject=evil, From=f'"{evil}" <x@customer.example>', text=f"{evil} javascript:alert(1)")
    for path in ("/Support", "/Support/TKT-001", "/"):
        text = page(agent, path)
        assert "<script>alert" not in text
        assert 'href="javascript' not in text


def test_a_closed_ticket_is_closed_until_a_mail_comes(agent: Client, ticket: Ticket) -> None:
    assert agent.get("/Support/TKT-001/closure").status_code == 405
    assert agent.post("/Support/TKT-001/closure").status_code == 302
    ticket.refresh_from_db()
    assert ticket.status == "closed"
    assert list(agent.get("/Support?status=open").context["tickets"]) == []
    assert list(agent.get("/Support?status=closed").context["tickets"]) == [ticket]


def test_search_finds_by_number_title_and_requester(agent: Client, deliver: Deliver) -> None:
    deliver(Subject="A broken lamp", From="Lena <lena@lamps.example>")
    deliver(Subject="A printer", From="Paul <paul@printers.example>")
    for words, found in [
        ("LAMP", ["A broken lamp"]),
        ("tkt-002", ["A printer"]),
        ("paul@", ["A printer"]),
        ("lena broken", ["A broken lamp"]),
        ("lena printer", []),
        ("A", ["A printer", "A broken lamp"]),
        ("%", []),
    ]:
        response = agent.get("/Support", {"q": words})
        assert [ticket.title for ticket in response.context["tickets"]] == found, words
    assert "No ticket is like that" in page(agent, "/Support?q=nothing")


def queries(client: Client, path: str) -> int:
    """How many queries the page takes, once the session knows its device."""
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        page(client, path)
    return len(captured)


def test_many_tickets_are_paged_without_a_query_each(agent: Client, mailbox: Mailbox) -> None:
    receive(mailbox, make_mail(Subject="ticket 0"))
    few = queries(agent, "/Support?status=open")
    for number in range(1, 40):
        receive(mailbox, make_mail(Subject=f"ticket {number}"))
    assert queries(agent, "/Support?status=open") == few
    first = agent.get("/Support?status=open")
    older = re.search(r'rel="next" href="([^"]+)"', first.content.decode())
    assert older
    assert "status=open" in older[1]
    second = agent.get("/Support" + older[1].replace("&amp;", "&"))
    seen = [ticket.number for ticket in [*first.context["tickets"], *second.context["tickets"]]]
    assert seen == [f"TKT-{number:03d}" for number in range(40, 0, -1)]


def test_a_long_conversation_costs_no_query_each(
    agent: Client, ticket: Ticket, deliver: Deliver, owner: User
) -> None:
    answer(ticket, owner)
    deliver(From="else@customer.example", In_Reply_To=ticket.messages.last().message_id)
    few = queries(agent, "/Support/TKT-001")
    for number in range(15):
        message = answer(ticket, owner, f"answer {number}")
        deliver(In_Reply_To=message.message_id, text=f"question {number}")
    assert queries(agent, "/Support/TKT-001") == few


def test_an_answer_that_failed_can_be_sent_again(
    agent: Client, ticket: Ticket, owner: User, mail_server: Any
) -> None:
    mail_server.orders.rcpt = "550 No such user"
    message = answer(ticket, owner)
    opened = page(agent, "/Support/TKT-001")
    assert "550 No such user" in opened
    assert "Send again" in opened
    assert agent.post(f"/Support/TKT-001/{message.pk}/sending").status_code == 302
    message.refresh_from_db()
    assert message.state == "queued"


def test_the_raw_mail_is_saved_and_never_shown(agent: Client, deliver: Deliver) -> None:
    raw = make_mail(text="<script>alert(1)</script>")
    deliver(raw)
    deliver(From=None)
    message = Message.objects.get()
    held = RawMail.objects.get(status="quarantined")
    for url in (f"/Support/TKT-001/{message.pk}/raw", f"/Support/Held/{held.pk}/raw"):
        response = agent.get(url)
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment;")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "no-store" in response["Cache-Control"]
    assert agent.get(f"/Support/TKT-001/{message.pk}/raw").content == raw


def test_a_message_of_another_ticket_is_not_here(agent: Client, deliver: Deliver) -> None:
    deliver(Subject="one")
    deliver(Subject="two")
    other = Message.objects.get(ticket__number="TKT-002")
    assert agent.get(f"/Support/TKT-001/{other.pk}/raw").status_code == 404
    assert agent.get("/Support/TKT-001/999999999999999999999/raw").status_code == 404


def test_held_back_mail_becomes_a_ticket_or_is_run_again(
    agent: Client, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(Precedence="bulk", Subject="Order 17")
    with monkeypatch.context() as broken:
        broken.setattr(TicketPrefix, "next_number", lambda organization: 1 / 0)
        deliver(Subject="Lost and found")
    text = page(agent, "/Support/Held")
    assert "Order 17" in text
    assert "precedence: bulk" in text
    assert "ZeroDivisionError" in text
    automatic, broken_one = RawMail.objects.order_by("pk")
    assert agent.post(f"/Support/Held/{automatic.pk}/ticket")["Location"] == "/Support/TKT-001"
    assert agent.post(f"/Support/Held/{broken_one.pk}/run")["Location"] == "/Support/TKT-002"
    assert agent.post(f"/Support/Held/{broken_one.pk}/run").status_code == 404
    assert "Nothing is held back." in page(agent, "/Support/Held")
    for before in ("x", "-1", str(9**40)):
        page(agent, f"/Support/Held?before={before}")


def test_a_mailbox_is_made_and_its_url_shown_once(client: Client, stranger: User) -> None:
    client.force_login(stranger)
    assert "There is no mailbox yet" in page(client, "/Support")
    form = {"address": "Help@Sam.example", "name": "Sam's help"}
    form["organization"] = str(Organization.personal(stranger).pk)
    response = client.post("/Support/Mailboxes", form)
    secret = re.search(
        r"http://localhost:8000(/webhooks/mail/[\w-]{43})", response.content.decode()
    )
    assert secret
    assert "no-store" in response["Cache-Control"]
    assert secret[1] not in page(client, "/Support/Mailboxes")
    mail = client.generic("POST", secret[1], make_mail(To="help@sam.example"))
    assert mail.json() == {"kind": "ticket", "number": "TKT-001"}
    mailbox = Mailbox.objects.get()
    again = client.post(f"/Support/Mailboxes/{mailbox.pk}/token").content.decode()
    assert secret[1] not in again
    assert client.generic("POST", secret[1], make_mail()).status_code == 404


@pytest.mark.parametrize("address", ["", "no address", "SUPPORT@shop.example", "a+b@shop.example"])
def test_a_mailbox_with_a_bad_or_taken_address_is_refused(
    agent: Client, mailbox: Mailbox, address: str
) -> None:
    form = {"address": address, "organization": str(mailbox.organization_id)}
    response = agent.post("/Support/Mailboxes", form)
    assert response.status_code == 422
    assert response.context["form"].errors["address"]
    assert Mailbox.objects.count() == 1


def test_a_mailbox_in_somebody_elses_organization_is_refused(
    outsider: Client, shop: Organization
) -> None:
    form = {"address": "mine@shop.example", "organization": str(shop.pk)}
    assert outsider.post("/Support/Mailboxes", form).status_code == 422
    assert Mailbox.objects.count() == 0


def test_an_agent_who_is_no_admin_sees_mailboxes_but_changes_none(
    client: Client, colleague: User, mailbox: Mailbox
) -> None:
    client.force_login(colleague)
    text = page(client, "/Support/Mailboxes")
    assert "support@shop.example" in text
    assert "New secret URL" not in text
    assert client.post(f"/Support/Mailboxes/{mailbox.pk}/token").status_code == 404
    form = {"address": "new@shop.example", "organization": str(mailbox.organization_id)}
    assert client.post("/Support/Mailboxes", form).status_code == 422
    Membership.objects.filter(user=colleague).update(role="admin")
    assert client.post(f"/Support/Mailboxes/{mailbox.pk}/token").status_code == 200


def test_numbers_are_found_in_any_letter_case(agent: Client, ticket: Ticket) -> None:
    assert "Printer on fire" in page(agent, "/Support/tkt-001")
    assert agent.get("/support/mailboxes")["Location"] == "/Support/Mailboxes"


def test_the_administration_shows_no_words_and_no_secrets(
    admin_client: Client, ticket: Ticket
) -> None:
    mailbox = Mailbox.objects.get()
    message = Message.objects.get()
    raw = RawMail.objects.get()
    for path in (
        "mailbox/",
        f"mailbox/{mailbox.pk}/change/",
        "ticket/",
        f"ticket/{ticket.pk}/change/",
        "message/",
        f"message/{message.pk}/change/",
        "rawmail/",
        f"rawmail/{raw.pk}/change/",
        "ticketprefix/",
    ):
        text = page(admin_client, f"/admin/tickets/{path}")
        assert "It does not work." not in text
        assert mailbox.token_hash not in text


def test_an_administrator_runs_mail_again(
    admin_client: Client, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(TicketPrefix, "next_number", lambda organization: 1 / 0)
        deliver()
    row = RawMail.objects.get()
    values = {"action": "run_again", "_selected_action": [row.pk]}
    assert admin_client.post("/admin/tickets/rawmail/", values).status_code == 302
    assert Ticket.objects.get().number == "TKT-001"
