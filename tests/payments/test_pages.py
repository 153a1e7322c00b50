"""``/Money``: an organization's members see what it has taken; nobody else sees anything."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Organization, User
from payments import views
from payments.models import RedirectHost, StripeEvent, Transaction
from tests.fake_stripe import FakeStripe

type Make = Callable[..., Transaction]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return str(answer.content.decode())


def test_a_member_sees_list_and_detail(
    stripe: FakeStripe, checkout: Make, organization: Organization, colleague: User
) -> None:
    Membership.objects.create(organization=organization, user=colleague)
    row = checkout(reference="order-7", metadata={"<b>": "<script>"}, description="<i>Mug</i>")
    assert row.public_id in text_of(client_of(colleague), "/Money/Transactions")
    page = text_of(client_of(colleague), f"/Money/Transactions/{row.public_id}")
    for part in ("€12.50", "Pending", "order-7", "&lt;i&gt;Mug&lt;/i&gt;", "&lt;script&gt;"):
        assert part in page
    assert "<script>" not in page.partition("<main")[2].partition("</main>")[0]


def test_a_stranger_finds_nothing(stripe: FakeStripe, checkout: Make, stranger: User) -> None:
    row = checkout()
    client = client_of(stranger)
    assert "Nothing has been sold here yet" in text_of(client, "/Money/Transactions")
    text_of(client, f"/Money/Transactions/{row.public_id}", 404)
    text_of(client, f"/Money/Transactions?before={row.public_id}", 404)


def test_nobody_who_is_not_signed_in_sees_money(stripe: FakeStripe, checkout: Make) -> None:
    row = checkout()
    for path in ("/Money/Transactions", row.get_absolute_url()):
        assert Client().get(path).headers["Location"].startswith("/Account/Login")


def test_a_difference_is_shown_to_the_merchant(
    stripe: FakeStripe, checkout: Make, owner: User
) -> None:
    row = checkout()
    row.mark_needs_review("amount: 1250 here, 1 at Stripe")
    page = text_of(client_of(owner), row.get_absolute_url())
    assert "Needs review" in page
    assert "amount: 1250 here, 1 at Stripe" in page


def test_the_list_comes_in_pages_with_as_many_queries_as_for_one_row(
    organization: Organization,
    owner: User,
    django_assert_max_num_queries: Any,
) -> None:
    order = {"organization": organization, "currency": "eur", "source": "api", "livemode": False}
    Transaction.objects.bulk_create(
        Transaction(**order, amount=100 + number, description=f"Order {number:03}")
        for number in range(70)
    )
    client, seen, path = client_of(owner), [], "/Money/Transactions"
    client.get(path)
    while path:
        with django_assert_max_num_queries(16):
            answer = client.get(path)
        seen += [row.description for row in answer.context["rows"]]
        older = answer.context["older"]
        path = f"/Money/Transactions?mode=test&before={older.public_id}" if older else ""
    assert seen == [f"Order {number:03}" for number in reversed(range(70))]


def test_live_and_test_rows_are_not_shown_together(
    stripe: FakeStripe, checkout: Make, owner: User
) -> None:
    checkout(description="Pretend")
    real = checkout(description="Real")
    Transaction.objects.filter(pk=real.pk).update(livemode=True)
    test, live = (
        text_of(client_of(owner), f"/Money/Transactions?mode={mode}") for mode in ("test", "live")
    )
    assert ("Pretend" in test, "Real" in test) == (True, False)
    assert ("Pretend" in live, "Real" in live) == (False, True)


@pytest.mark.parametrize(
    "path", ["/Money/Transactions", "/Money/Thanks/{}", "/Money/Transactions/{}", "/"]
)
def test_the_demo_says_so_wherever_money_is_shown(
    stripe: FakeStripe, checkout: Make, owner: User, settings: Any, path: str
) -> None:
    path = path.format(checkout().public_id)
    badge = 'data-testid="demo-payments"'
    assert badge not in text_of(client_of(owner), path)
    settings.STRIPE_SECRET_KEY = "sk_test_demo_x"
    assert badge in text_of(client_of(owner), path)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("paid", "It is paid"),
        ("expired", "nothing was paid"),
        ("failed", "did not go through"),
        ("needs_review", "being confirmed"),
        ("pending", "being confirmed"),
    ],
)
def test_the_buyers_page_tells_how_it_stands(
    stripe: FakeStripe, checkout: Make, status: str, words: str
) -> None:
    row = checkout(customer_email="ben@example.com", metadata={"secret": "of the shop"})
    Transaction.objects.filter(pk=row.pk).update(status=status)
    answer = Client().get(f"/Money/Thanks/{row.public_id}")
    page = answer.content.decode()
    assert words in page
    assert "ben@example.com" not in page
    assert "of the shop" not in page
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["tr_nothing", "%00", "%FF", "x" * 500])
def test_what_is_not_there_is_404(owner: User, name: str) -> None:
    text_of(Client(), f"/Money/Thanks/{name}", 404)
    for path in ("/Money/Transactions/", "/Money/Transactions?before="):
        text_of(client_of(owner), path + name, 404)


def test_the_tile_shows_what_was_paid_last(stripe: FakeStripe, checkout: Make, owner: User) -> None:
    checkout(description="Waiting")
    checkout(description="Done").mark_paid()
    page = text_of(client_of(owner), "/")
    assert "Done" in page
    assert "Waiting" not in page
    assert views.TILE_SIZE == 3


def test_the_admin_looks_and_changes_nothing(
    stripe: FakeStripe, checkout: Make, owner: User
) -> None:
    row = checkout()
    event = StripeEvent.objects.create(event_id="evt_1", type="x", body=b'{"a": "\xff"}')
    RedirectHost.objects.create(organization=row.organization, host="shop.example")
    owner.is_staff = owner.is_superuser = True
    owner.save()
    client = client_of(owner)
    for path in ("transaction/", "stripeevent/", "redirecthost/", "redirecthost/add/"):
        text_of(client, f"/admin/payments/{path}")
    text_of(client, f"/admin/payments/stripeevent/{event.pk}/change/")
    page = text_of(client, f"/admin/payments/transaction/{row.pk}/change/")
    assert row.checkout_url not in page
    for path in (
        f"transaction/{row.pk}/change/",
        f"transaction/{row.pk}/delete/",
        "transaction/add/",
    ):
        assert client.post(f"/admin/payments/{path}", {"amount": 1}).status_code == 403


def test_the_admin_runs_an_event_again(stripe: FakeStripe, checkout: Make, owner: User) -> None:
    from django_ox.testing import run_tasks

    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    body = b'{"data": {"object": {"object": "checkout.session", "id": "%s"}}}'
    event = StripeEvent.objects.create(
        event_id="evt_1",
        type="checkout.session.completed",
        body=body % str(row.checkout_session_id).encode(),
        status="failed",
    )
    owner.is_staff = owner.is_superuser = True
    owner.save()
    data = {"action": "run_again", "_selected_action": [event.pk]}
    assert client_of(owner).post("/admin/payments/stripeevent/", data).status_code == 302
    run_tasks()
    row.refresh_from_db()
    assert row.status == "paid"


@pytest.mark.parametrize("host", ["https://shop.example", "shop.example/x", "a@b", "a:1", ""])
def test_a_redirect_host_is_a_host(host: str) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        RedirectHost(host=host).clean()
