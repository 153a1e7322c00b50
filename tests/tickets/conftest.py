"""A mailbox, mails for it, and a mail server that takes what goes out."""

import itertools
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_ox.testing import run_tasks

from accounts.models import Membership, Organization, User
from push.models import Notification
from tests.tickets.smtp import MailServer
from tickets.mail.receive import Received, receive
from tickets.models import Mailbox, Message, Ticket

type MakeMail = Callable[..., bytes]

_numbers = itertools.count(1)


def make_mail(text: str = "It does not work.", **headers: str | None) -> bytes:
    """A customer's mail. Headers by name with ``_`` for ``-``; None leaves one out."""
    values: dict[str, str | None] = {
        "From": "Cora Customer <cora@customer.example>",
        "To": "support@shop.example",
        "Subject": "Printer on fire",
        "Date": format_datetime(timezone.now()),
        "Message-ID": f"<mail-{next(_numbers)}@customer.example>",
    }
    values |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in values.items() if value is not None]
    lines += ["Content-Type: text/plain; charset=utf-8", "", text, ""]
    return "\n".join(lines).encode()


@pytest.fixture
def shop(owner: User, colleague: User) -> Organization:
    """An organization of two people."""
    organization = Organization.objects.create(name="The Shop")
    Membership.objects.create(organization=organization, user=owner, role=Membership.Role.OWNER)
    Membership.objects.create(organization=organization, user=colleague, role=Membership.Role.AGENT)
    return organization


@pytest.fixture
def mailbox(shop: Organization) -> Mailbox:
    mailbox, _token = Mailbox.make(shop, "support@shop.example", "The Shop's support")
    return mailbox


@pytest.fixture
def ticket(mailbox: Mailbox) -> Ticket:
    receive(mailbox, make_mail())
    return Ticket.objects.get()


@pytest.fixture
def deliver(mailbox: Mailbox) -> Callable[..., Received]:
    """Mail for the shop's mailbox."""

    def deliver(raw: bytes | None = None, **headers: str | None) -> Received:
        return receive(mailbox, make_mail(**headers) if raw is None else raw)  # type: ignore[arg-type]

    return deliver


@pytest.fixture
def agent(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def outsider(stranger: User) -> Client:
    client = Client()
    client.force_login(stranger)
    return client


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """A real SMTP server, which the product's mail goes to."""
    with MailServer() as server:
        settings.MAILERS = {
            "default": {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "OPTIONS": {"host": "127.0.0.1", "port": server.port, "timeout": 5},
            }
        }
        yield server


def answer(ticket: Ticket, author: User, text: str = "Put it out first.") -> Message:
    """An agent's answer, with its task run."""
    message = ticket.reply(author, text)
    run_tasks()
    message.refresh_from_db()
    return message


def told(user: User) -> list[tuple[str, str]]:
    """What this person's bell says: kind and title, oldest first."""
    rows = Notification.objects.filter(user=user).order_by("pk")
    return list(rows.values_list("kind", "title"))
