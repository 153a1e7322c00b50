"""Answers go out by mail: once, with what it takes to find back."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_ox.testing import run_tasks

from accounts.models import User
from tests.tickets.conftest import answer, make_mail
from tests.tickets.smtp import MailServer
from tickets.mail import outgoing, tokens
from tickets.mail.receive import Kind, Received, receive
from tickets.models import Mailbox, Message, Ticket
from tickets.tasks import sweep

Deliver = Callable[..., Received]


@pytest.fixture
def later(time_machine: Any) -> Callable[[int], None]:
    """Lets so many seconds pass."""

    def later(seconds: int) -> None:
        time_machine.move_to(timezone.now() + timedelta(seconds=seconds))

    return later


def test_an_answer_arrives_at_the_customer_in_the_thread(
    mailbox: Mailbox, owner: User, mail_server: MailServer
) -> None:
    receive(mailbox, make_mail(Message_ID="<first@customer.example>"))
    ticket = Ticket.objects.get()
    message = answer(ticket, owner, "Put it out first.\n\nThen call us.")
    assert (message.state, message.error) == ("sent", "")
    [sent] = mail_server.delivered
    mail = sent.mail
    assert (sent.sender, sent.recipients) == ("support@shop.example", ["cora@customer.example"])
    assert mail["From"] == "The Shop's support <support@shop.example>"
    assert mail["To"] == "Cora Customer <cora@customer.example>"
    assert mail["Subject"] == "Re: Printer on fire [TKT-001]"
    assert mail["Message-ID"] == message.message_id
    assert mail["In-Reply-To"] == mail["References"] == "<first@customer.example>"
    assert mail["Reply-To"] == tokens.reply_address(ticket.pk, "support@shop.example")
    assert mail.get_content().replace("\r\n", "\n") == "Put it out first.\n\nThen call us.\n"  # type: ignore[attr-defined]


def test_the_customers_answer_to_it_comes_back_into_the_ticket(
    ticket: Ticket, owner: User, deliver: Deliver, mail_server: MailServer
) -> None:
    answer(ticket, owner)
    mail = mail_server.delivered[0].mail
    by_id = deliver(In_Reply_To=mail["Message-ID"], References=mail["Message-ID"], text="one")
    by_address = deliver(To=mail["Reply-To"], text="two")
    assert by_id == by_address == Received(Kind.REPLY, "TKT-001")


def test_ids_longer_than_a_line_stay_whole(
    ticket: Ticket, owner: User, deliver: Deliver, mail_server: MailServer
) -> None:
    long_id = f"<{'A' * 80}@{'B' * 60}.prod.outlook.example>"
    first = answer(ticket, owner)
    deliver(In_Reply_To=first.message_id, Message_ID=long_id)
    answer(ticket, owner, "again")
    raw = mail_server.delivered[1].raw
    mail = mail_server.delivered[1].mail
    assert mail["In-Reply-To"].strip() == long_id
    assert mail["References"].split()[-2:] == [first.message_id, long_id]
    assert b"=?" not in raw
    assert max(map(len, raw.split(b"\r\n"))) < 998


def test_a_long_thread_keeps_its_first_and_its_newest_ids(
    ticket: Ticket, owner: User, mail_server: MailServer
) -> None:
    ids = [answer(ticket, owner, str(number)).message_id for number in range(30)]
    references = mail_server.delivered[-1].mail["References"].split()
    first = ticket.messages.order_by("pk").first().message_id
    assert len(references) == 20
    assert [references[0], references[-1]] == [first, ids[-2]]


def test_the_same_form_sent_twice_is_one_answer(
    ticket: Ticket, owner: User, mail_server: MailServer
) -> None:
    client_id = uuid.uuid4()
    first = ticket.reply(owner, "once", client_id=client_id)
    assert ticket.reply(owner, "once", client_id=client_id) == first
    run_tasks()
    outgoing.send(first.pk)
    assert len(mail_server.delivered) == 1


@pytest.mark.parametrize("order", ["rcpt", "data"])
def test_a_refusal_for_good_is_shown_with_its_words(
    ticket: Ticket, owner: User, mail_server: MailServer, order: str
) -> None:
    setattr(mail_server.orders, order, "550 5.7.1 We do not like you")
    message = answer(ticket, owner)
    assert (message.state, message.error) == ("failed", "550 5.7.1 We do not like you")
    assert mail_server.delivered == []
    setattr(mail_server.orders, order, "250 OK")
    assert message.send_again()
    assert not message.send_again()
    run_tasks()
    message.refresh_from_db()
    assert (message.state, len(mail_server.delivered)) == ("sent", 1)


@pytest.mark.parametrize("order", ["rcpt", "data"])
def test_a_refusal_for_now_is_tried_again_by_the_task(
    ticket: Ticket, owner: User, mail_server: MailServer, order: str, later: Callable[[int], None]
) -> None:
    setattr(mail_server.orders, order, "451 4.3.0 Greylisted")
    message = answer(ticket, owner)
    assert (message.state, message.error) == ("queued", "451 4.3.0 Greylisted")
    setattr(mail_server.orders, order, "250 OK")
    run_tasks()
    message.refresh_from_db()
    assert message.state == "queued"  # not yet
    later(61)
    run_tasks()
    message.refresh_from_db()
    assert (message.state, message.error, message.attempts) == ("sent", "", 2)
    assert len(mail_server.delivered) == 1


def test_a_mail_server_that_is_away_is_tried_for_a_day(
    ticket: Ticket,
    owner: User,
    mail_server: MailServer,
    settings: Any,
    later: Callable[[int], None],
) -> None:
    settings.MAILERS["default"]["OPTIONS"]["port"] = 1
    message = answer(ticket, owner)
    assert message.state == "queued"
    assert "refused" in message.error.lower()
    tries = 1
    while message.state == "queued":
        later(3 * 3600 + 1)
        run_tasks()
        message.refresh_from_db()
        tries += 1
    assert (message.state, tries) == ("failed", len(outgoing.DELAYS) + 1)


def test_a_line_that_breaks_while_sending_is_never_sent_twice_by_itself(
    ticket: Ticket, owner: User, mail_server: MailServer, later: Callable[[int], None]
) -> None:
    mail_server.orders.hang_up = True
    message = answer(ticket, owner)
    assert message.state == "failed"
    assert "nobody knows whether the mail went out" in message.error
    mail_server.orders.hang_up = False
    later(24 * 3600)
    run_tasks()
    assert len(mail_server.delivered) == 1


def test_a_worker_that_was_killed_while_sending_leaves_it_to_a_person(
    ticket: Ticket, owner: User, mail_server: MailServer
) -> None:
    message = ticket.reply(owner, "hello")
    assert message.claim()  # and then the process is gone
    run_tasks()
    assert mail_server.delivered == []
    Message.objects.update(state_at="2026-01-01T00:00:00Z")
    assert sweep.func()["messages"] == 1
    message.refresh_from_db()
    assert message.state == "failed"


def test_hostile_names_and_titles_make_no_headers(
    mailbox: Mailbox, owner: User, mail_server: MailServer
) -> None:
    evil = "=?utf-8?q?Cora=0D=0ABcc=3A_victim=40x.example?="
    receive(mailbox, make_mail(Subject=evil, From=f"{evil} <cora@customer.example>"))
    answer(Ticket.objects.get(), owner)
    [sent] = mail_server.delivered
    assert sent.recipients == ["cora@customer.example"]
    assert sent.mail["Bcc"] is None
    assert sent.mail["Subject"] == "Re: Cora Bcc: victim@x.example [TKT-001]"


def test_an_address_that_no_mail_can_go_to_is_said(
    ticket: Ticket, owner: User, mail_server: MailServer
) -> None:
    Ticket.objects.update(requester_address="cöra@customer.example")
    message = answer(Ticket.objects.get(), owner)
    assert message.state == "failed"
    assert message.error


@pytest.mark.django_db(transaction=True)
def test_ten_workers_at_once_send_one_mail(
    ticket: Ticket, owner: User, mail_server: MailServer
) -> None:
    message = ticket.reply(owner, "once")

    def work() -> None:
        try:
            outgoing.send(message.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    message.refresh_from_db()
    assert (message.state, len(mail_server.delivered)) == ("sent", 1)
