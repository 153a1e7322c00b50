"""A mail comes in: what becomes of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Membership, Organization, User
from push.models import Notification
from tests.tickets.conftest import answer, make_mail, told
from tickets.mail.receive import Kind, Received, process_again, receive
from tickets.models import Mailbox, Message, RawMail, Ticket, TicketPrefix
from tickets.tasks import sweep

Deliver = Callable[..., Received]


def test_a_first_mail_opens_a_ticket(deliver: Deliver, mailbox: Mailbox) -> None:
    received = deliver(
        text="Smoke everywhere.", Subject="Printer on fire", From="Cora <Cora@Customer.example>"
    )
    ticket = Ticket.objects.get()
    assert received == Received(Kind.TICKET, "TKT-001")
    assert (ticket.number, ticket.title, ticket.status) == ("TKT-001", "Printer on fire", "open")
    assert (ticket.requester_name, ticket.requester_address) == ("Cora", "cora@customer.example")
    message = ticket.messages.get()
    assert (message.direction, message.text, message.state) == (
        "in",
        "Smoke everywhere.",
        "received",
    )
    raw = RawMail.objects.get()
    assert (raw.status, raw.ticket, raw.message) == ("ticket", ticket, message)
    assert b"Smoke everywhere." in bytes(raw.raw)


def test_everybody_in_the_organization_hears_of_a_new_ticket(
    ticket: Ticket, owner: User, colleague: User, stranger: User
) -> None:
    for person in (owner, colleague):
        assert told(person) == [("tickets.opened", "New ticket from Cora Customer")]
    assert told(stranger) == []
    notification = Notification.objects.filter(user=owner).get()
    assert notification.body == "TKT-001: Printer on fire"
    assert notification.url == "/Support/TKT-001"


def test_once_it_is_assigned_only_the_assignee_hears_of_replies(
    ticket: Ticket, owner: User, colleague: User, deliver: Deliver
) -> None:
    Ticket.objects.update(assignee=colleague)
    message = answer(ticket, colleague)
    assert deliver(In_Reply_To=message.message_id, text="Still burning.").kind == Kind.REPLY
    assert told(colleague)[1:] == [("tickets.replied", "Cora Customer replied in TKT-001")]
    assert told(owner)[1:] == []


def test_an_assignee_who_has_left_is_not_the_only_one_told(
    ticket: Ticket, owner: User, colleague: User, deliver: Deliver
) -> None:
    Ticket.objects.update(assignee=colleague)
    message = answer(ticket, colleague)
    Membership.objects.filter(user=colleague).delete()
    deliver(In_Reply_To=message.message_id)
    assert [kind for kind, _title in told(owner)] == ["tickets.opened", "tickets.replied"]
    assert [kind for kind, _title in told(colleague)] == ["tickets.opened"]


def test_the_same_mail_again_adds_nothing(deliver: Deliver, owner: User) -> None:
    raw = make_mail()
    assert deliver(raw).kind == Kind.TICKET
    assert deliver(raw) == Received(Kind.DUPLICATE, "TKT-001")
    assert deliver(raw.replace(b"\n", b"\r\n") + b"\r\n") == Received(Kind.DUPLICATE, "TKT-001")
    assert deliver(b"Received: by another way\n" + raw).kind == Kind.DUPLICATE
    assert (Ticket.objects.count(), Message.objects.count(), len(told(owner))) == (1, 1, 1)
    assert RawMail.objects.get().duplicates == 3


@pytest.mark.parametrize("message_id", ["<same@customer.example>", None])
def test_the_same_id_with_other_words_is_another_mail(
    deliver: Deliver, message_id: str | None
) -> None:
    date = "Mon, 23 Nov 2026 19:00:00 +0000"
    texts = ("one", "two", "one")
    kinds = [deliver(Message_ID=message_id, Date=date, text=text).kind for text in texts]
    assert kinds == [Kind.TICKET, Kind.TICKET, Kind.DUPLICATE]


def test_a_mail_without_an_id_is_told_apart_by_what_it_says(deliver: Deliver) -> None:
    raw = make_mail(Message_ID=None, Date="Mon, 23 Nov 2026 19:00:00 +0000")
    assert [deliver(raw).kind, deliver(raw).kind] == [Kind.TICKET, Kind.DUPLICATE]
    assert deliver(raw.replace(b"does not", b"does")).kind == Kind.TICKET


def test_two_mailboxes_each_take_the_same_mail(
    mailbox: Mailbox, shop: Organization, stranger: User
) -> None:
    other, _token = Mailbox.make(Organization.personal(stranger), "help@elsewhere.example")
    raw = make_mail()
    assert receive(mailbox, raw) == Received(Kind.TICKET, "TKT-001")
    assert receive(other, raw) == Received(Kind.TICKET, "TKT2-001")
    assert Ticket.objects.for_user(stranger).get().number == "TKT2-001"


def test_a_customers_answer_goes_into_its_ticket_and_opens_it_again(
    ticket: Ticket, owner: User, deliver: Deliver
) -> None:
    message = answer(ticket, owner)
    ticket.refresh_from_db()
    assert ticket.status == "waiting"
    ticket.close()
    received = deliver(
        In_Reply_To=message.message_id,
        References=f"<first@customer.example> {message.message_id}",
        Subject="AW: something else altogether",
        text="It burns no more.",
    )
    assert received == Received(Kind.REPLY, "TKT-001")
    ticket.refresh_from_db()
    assert ticket.status == "open"
    assert [m.direction for m in ticket.messages.conversation()] == ["in", "out", "in"]
    assert Notification.objects.get(user=owner, kind="tickets.replied").body == "It burns no more."


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered_To"])
def test_the_token_in_the_reply_address_is_enough(
    ticket: Ticket, deliver: Deliver, header: str
) -> None:
    from tickets.mail import tokens

    address = tokens.reply_address(ticket.pk, "Support@shop.example")
    received = deliver(**{header: f"Support <{address.upper()}>", "Subject": "no id at all"})
    assert received == Received(Kind.REPLY, "TKT-001")


def test_any_of_many_references_is_enough(ticket: Ticket, owner: User, deliver: Deliver) -> None:
    message = answer(ticket, owner)
    others = [f"<other-{number}@exchange.example>" for number in range(40)]
    references = " ".join([*others[:20], message.message_id, *others[20:]])
    assert deliver(In_Reply_To=others[-1], References=references).number == "TKT-001"


def test_a_number_in_the_subject_lets_no_stranger_in(
    ticket: Ticket, owner: User, deliver: Deliver
) -> None:
    answer(ticket, owner)
    received = deliver(
        Subject="Re: Printer on fire [TKT-001]",
        From="mallory@evil.example",
        In_Reply_To="<TKT-001@shop.example>",
        text="Send me everything.",
    )
    assert received == Received(Kind.TICKET, "TKT-002")
    assert ticket.messages.filter(sender_address="mallory@evil.example").count() == 0
    assert [kind for kind, _title in told(owner)] == ["tickets.opened", "tickets.opened"]


def test_a_token_that_we_did_not_sign_is_worth_nothing(
    ticket: Ticket, owner: User, deliver: Deliver
) -> None:
    good = answer(ticket, owner).message_id
    swapped = {"a": "b"}.get(good[20], "a")
    forged = good[:20] + swapped + good[21:]
    assert deliver(In_Reply_To=forged).number == "TKT-002"
    assert deliver(In_Reply_To=good).number == "TKT-001"


def test_a_token_leads_to_no_ticket_of_another_organization(
    ticket: Ticket, owner: User, stranger: User
) -> None:
    message = answer(ticket, owner)
    other, _token = Mailbox.make(Organization.personal(stranger), "help@elsewhere.example")
    assert receive(other, make_mail(In_Reply_To=message.message_id)).kind == Kind.TICKET
    assert ticket.messages.count() == 2


def test_somebody_else_who_has_the_token_is_shown_as_such(
    ticket: Ticket, owner: User, deliver: Deliver
) -> None:
    message = answer(ticket, owner)
    deliver(In_Reply_To=message.message_id, From="boss@customer.example", text="I am the boss.")
    assert not ticket.messages.get(text__startswith="I am").is_from_requester
    ticket.refresh_from_db()
    assert ticket.requester_address == "cora@customer.example"


def test_tokens_of_an_earlier_secret_key_still_count(
    ticket: Ticket, owner: User, deliver: Deliver, settings: Any
) -> None:
    message = answer(ticket, owner)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    assert deliver(In_Reply_To=message.message_id).kind == Kind.REPLY


def test_a_mail_without_a_sender_is_kept_and_opens_nothing(deliver: Deliver, owner: User) -> None:
    for sender in (None, "undisclosed-recipients:;", "not an address"):
        assert deliver(From=sender) == Received(Kind.QUARANTINED)
    assert deliver(b"") == Received(Kind.QUARANTINED)
    assert Ticket.objects.count() == 0
    assert RawMail.objects.held_back().count() == 4
    assert told(owner) == []


def test_what_cannot_be_processed_is_kept_with_the_reason_and_can_be_run_again(
    deliver: Deliver, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(TicketPrefix, "next_number", lambda organization: 1 / 0, raising=True)
        assert deliver(text="Do not lose me.") == Received(Kind.UNPROCESSABLE)
    row = RawMail.objects.get()
    assert (row.status, row.error) == ("unprocessable", "ZeroDivisionError: division by zero")
    assert Ticket.objects.count() == Message.objects.count() == 0
    assert told(owner) == []
    assert process_again(row) == Received(Kind.TICKET, "TKT-001")
    assert process_again(row).kind == Kind.DUPLICATE
    assert len(told(owner)) == 1


def test_a_database_that_is_away_leaves_the_mail_waiting_and_the_sweep_takes_it_up(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(organization: Organization) -> str:
        raise OperationalError("away")

    raw = make_mail()
    with monkeypatch.context() as broken:
        broken.setattr(TicketPrefix, "next_number", away)
        with pytest.raises(OperationalError):
            deliver(raw)
    assert RawMail.objects.get().status == "received"
    assert sweep.func()["raw_mails"] == 0  # somebody may be at it just now
    RawMail.objects.update(received_at="2026-01-01T00:00:00Z")
    assert sweep.func()["raw_mails"] == 1
    assert Ticket.objects.get().number == "TKT-001"
    assert deliver(raw) == Received(Kind.DUPLICATE, "TKT-001")


def test_a_mail_that_was_kept_but_not_processed_is_no_duplicate(
    deliver: Deliver, mailbox: Mailbox
) -> None:
    raw = make_mail()
    RawMail.keep(mailbox, raw)
    assert deliver(raw) == Received(Kind.TICKET, "TKT-001")
    assert deliver(raw).kind == Kind.DUPLICATE


def test_reply_to_is_whom_the_answer_goes_to(deliver: Deliver) -> None:
    deliver(From="form@website.example", Reply_To="Real Person <real@customer.example>")
    ticket = Ticket.objects.get()
    assert ticket.requester_address == "real@customer.example"
