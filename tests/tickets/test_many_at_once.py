"""Twenty at the same instant, on either database."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import Organization, User
from push.models import Notification
from tests.tickets.conftest import make_mail
from tickets.mail.receive import Kind, receive
from tickets.models import Mailbox, RawMail, Ticket, TicketPrefix

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each of the calls returns, all of them started together."""
    start, results = threading.Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        start.wait()
        try:
            results.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_twenty_mails_get_twenty_numbers(mailbox: Mailbox) -> None:
    mails = [make_mail(text=f"mail {number}") for number in range(20)]
    at_once(*(lambda raw=raw: receive(mailbox, raw) for raw in mails))  # type: ignore[misc]
    numbers = {f"TKT-{number:03d}" for number in range(1, 21)}
    assert set(Ticket.objects.values_list("number", flat=True)) == numbers
    assert TicketPrefix.objects.get().last_number == 20


def test_one_mail_that_comes_twenty_times_is_one_ticket(mailbox: Mailbox, owner: User) -> None:
    raw = make_mail()
    results = at_once(*(lambda: receive(mailbox, raw) for _ in range(20)))
    kinds = [received.kind for received in results]  # type: ignore[attr-defined]
    assert sorted(kinds) == [Kind.DUPLICATE] * 19 + [Kind.TICKET]
    assert (Ticket.objects.count(), RawMail.objects.count()) == (1, 1)
    assert Notification.objects.filter(user=owner).count() == 1


def test_ten_organizations_get_ten_prefixes(db: None) -> None:
    organizations = [Organization.objects.create(name=str(number)) for number in range(10)]
    numbers = at_once(
        *(lambda one=one: TicketPrefix.next_number(one) for one in organizations)  # type: ignore[misc]
    )
    assert len(numbers) == len(set(numbers)) == 10
    prefixes = set(TicketPrefix.objects.values_list("prefix", flat=True))
    assert prefixes == {"TKT", *(f"TKT{number}" for number in range(2, 11))}


def test_a_prefix_stays_taken_when_its_organization_is_gone(db: None) -> None:
    first, second = (Organization.objects.create(name=name) for name in ("first", "second"))
    assert TicketPrefix.next_number(first) == "TKT-001"
    first.delete()
    assert TicketPrefix.next_number(second) == "TKT2-001"
