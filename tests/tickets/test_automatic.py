"""Machines' mail: recognised, kept, quiet."""

from collections.abc import Callable

import pytest

from accounts.models import User
from tests.tickets.conftest import answer, make_mail, told
from tickets.mail import tokens
from tickets.mail.automatic import LOOP_HEADER, reason
from tickets.mail.parse import parse
from tickets.mail.receive import Kind, Received, release
from tickets.models import Mailbox, Message, RawMail, Ticket

Deliver = Callable[..., Received]

BOUNCE = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.customer.example>
To: support@shop.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce@mx.customer.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

I'm sorry to have to inform you.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customer.example

Final-Recipient: rfc822; cora@customer.example
Action: {action}
Diagnostic-Code: smtp; 550 5.1.1
 No such user here
--b
Content-Type: message/rfc822

From: support@shop.example
Message-ID: {message_id}
Subject: Re: Printer on fire

text
--b--
"""


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; why=holiday"},
        {"Return_Path": "<>"},
        {"Return_Path": " < > "},
        {"X_Failed_Recipients": "cora@customer.example"},
        {"Precedence": "Bulk"},
        {"Precedence": "auto_reply"},
        {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"},
        {"X_Autoreply": "yes"},
        {"From": "MAILER-DAEMON@customer.example"},
        {"From": "Postmaster <postmaster@customer.example>"},
    ],
)
def test_a_machine_opens_no_ticket_and_pushes_nobody(
    deliver: Deliver, owner: User, headers: dict[str, str]
) -> None:
    assert deliver(**headers) == Received(Kind.AUTOMATIC)
    row = RawMail.objects.held_back().get()
    assert row.error
    assert Ticket.objects.count() == 0
    assert told(owner) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "no"},
        {"Return_Path": "<cora@customer.example>"},
        {"Precedence": "list", "List_Id": "<printers.lists.example>"},
        {"X_Auto_Response_Suppress": "None"},
        {"From": "postmaster.general@customer.example"},
    ],
)
def test_a_person_on_a_list_is_a_person(deliver: Deliver, headers: dict[str, str]) -> None:
    assert deliver(**headers).kind == Kind.TICKET


def test_an_out_of_office_note_is_attached_and_changes_nothing(
    ticket: Ticket, owner: User, deliver: Deliver
) -> None:
    message = answer(ticket, owner)
    ticket.refresh_from_db()
    before = (ticket.status, ticket.updated_at, told(owner))
    received = deliver(
        In_Reply_To=message.message_id, Auto_Submitted="auto-replied", text="I am on holiday."
    )
    assert received == Received(Kind.AUTOMATIC, "TKT-001")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.updated_at, told(owner)) == before
    note = ticket.messages.get(direction="automatic")
    assert note.text == "I am on holiday."
    assert Message.objects.filter(direction="out").count() == 1


def test_a_closed_ticket_stays_closed_when_a_machine_writes(
    ticket: Ticket, owner: User, deliver: Deliver
) -> None:
    message = answer(ticket, owner)
    ticket.close()
    deliver(In_Reply_To=message.message_id, Auto_Submitted="auto-replied")
    ticket.refresh_from_db()
    assert ticket.status == "closed"


def test_a_bounce_is_shown_at_the_message_that_bounced(
    ticket: Ticket, owner: User, deliver: Deliver, mail_server: object
) -> None:
    message = answer(ticket, owner)
    assert message.state == "sent"
    raw = BOUNCE.format(action="failed", message_id=message.message_id).encode()
    assert deliver(raw) == Received(Kind.AUTOMATIC, "TKT-001")
    message.refresh_from_db()
    assert (message.state, message.error) == ("failed", "smtp; 550 5.1.1 No such user here")
    assert len(told(owner)) == 1


def test_news_of_a_delay_is_no_bounce(
    ticket: Ticket, owner: User, deliver: Deliver, mail_server: object
) -> None:
    message = answer(ticket, owner)
    raw = BOUNCE.format(action="delayed", message_id=message.message_id).encode()
    assert deliver(raw) == Received(Kind.AUTOMATIC, "TKT-001")
    message.refresh_from_db()
    assert message.state == "sent"


def test_a_bounce_that_quotes_no_mail_of_ours_is_held_back(deliver: Deliver) -> None:
    raw = BOUNCE.format(action="failed", message_id="<TKT-001@shop.example>").encode()
    assert deliver(raw) == Received(Kind.AUTOMATIC)
    assert RawMail.objects.held_back().count() == 1


def test_our_own_mail_that_comes_back_is_no_customers(mailbox: Mailbox, deliver: Deliver) -> None:
    mark = {LOOP_HEADER: tokens.loop_mark(mailbox.pk)}
    assert deliver(**mark) == Received(Kind.AUTOMATIC)
    assert reason(parse(make_mail(**mark)), mailbox.pk + 1) == ""


def test_an_agent_makes_a_ticket_of_what_was_held_back_once(
    deliver: Deliver, owner: User, colleague: User
) -> None:
    deliver(Precedence="bulk", Subject="Order 17", text="Please call me.")
    row = RawMail.objects.get()
    ticket = release(row, owner, None)
    assert ticket is not None
    assert (ticket.title, ticket.messages.get().text) == ("Order 17", "Please call me.")
    assert release(row, owner, None) is None
    assert told(owner) == []
    assert told(colleague) == [("tickets.opened", "New ticket from Cora Customer")]
    assert RawMail.objects.held_back().count() == 0
