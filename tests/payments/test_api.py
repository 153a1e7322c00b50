"""The Payment API, as a shop's program meets it: Stripe's manner, and no surprise over money."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, Membership, Organization, User
from payments.models import IdempotentRequest, RedirectHost, Transaction
from payments.models.idempotent_request import LEASE
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.server import Fault
from tests.payments.conftest import ORDER, Shop

pytestmark = pytest.mark.django_db


def error_of(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Request-Id"].startswith("req_")
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"type", "code", "param", "message"}
    assert error["message"]
    return error


def test_a_checkout_is_made_and_found_again(stripe: FakeStripe, shop: Shop, owner: User) -> None:
    order = ORDER | {
        "reference": "order-7",
        "metadata": {"cart": "c1"},
        "customer_email": "ben@example.com",
        "success_url": "http://localhost:3000/thanks?s={CHECKOUT_SESSION_ID}",
    }
    answer = shop.post(order, X_FastLinkIt_Source="web shop")
    assert answer.status_code == 201, answer.content
    assert answer.headers["Request-Id"]
    made = answer.json()
    assert made["object"] == "checkout"
    assert made["url"].startswith(stripe.url)
    assert (made["status"], made["livemode"], made["source"]) == ("pending", False, "web shop")
    assert {name: made[name] for name in order} == order
    assert shop.get(f"/{made['id']}").json() == made
    row = Transaction.objects.get(public_id=made["id"])
    assert (row.made_by, row.source) == (owner, "api")
    [session] = stripe.store.sessions.values()
    assert session["success_url"] == order["success_url"]


def test_line_items_add_up(stripe: FakeStripe, shop: Shop) -> None:
    items = [{"name": "Mug", "amount": 1250, "quantity": 2}, {"name": "Post", "amount": 390}]
    made = shop.post({"currency": "EUR", "line_items": items}).json()
    assert (made["amount"], made["currency"], made["description"]) == (2890, "eur", "Mug, Post")
    [session] = stripe.store.sessions.values()
    assert session["amount_total"] == 2890
    refused = shop.post({"currency": "eur", "line_items": items, "amount": 2891})
    assert error_of(refused, 400)["param"] == "amount"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": True}, "amount"),
        ({"amount": "12"}, "amount"),
        ({"amount": 1.0}, "amount"),
        ({"amount": 1e9}, "amount"),
        ({"amount": None}, None),
        ({"amount": -5}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 49}, "amount"),
        ({"amount": 100_000_000}, "amount"),
        ({"amount": 10**40}, "amount"),
        ({"amount": [1250]}, "amount"),
        ({"amount": 5124, "currency": "kwd"}, "amount"),
        ({"amount": 501, "currency": "isk"}, "amount"),
        ({"currency": "xyz"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"currency": None}, "currency"),
        ({"currency": "€"}, "currency"),
        ({"description": ""}, None),
        ({"description": "x" * 251}, "description"),
        ({"description": "a\0b"}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"reference": 7}, "reference"),
        ({"metadata": {"a": 1}}, "metadata[a]"),
        ({"metadata": {"a": "\0"}}, "metadata[a]"),
        ({"metadata": {str(n): "" for n in range(51)}}, "metadata"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"customer_email": f"a@{'b.' * 130}example"}, "customer_email"),
        ({"customer_email": "a@b.example\nBcc: c@d.example"}, "customer_email"),
        ({"color": "red"}, "color"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"name": "x", "amount": 1.5}]}, "line_items[0][amount]"),
        ({"line_items": [{"name": "x", "amount": 5, "quantity": 0}]}, "line_items[0][quantity]"),
    ],
)
def test_what_stripe_would_not_take_is_refused_by_name_before_it_is_asked(
    stripe: FakeStripe, shop: Shop, change: dict[str, Any], param: str | None
) -> None:
    error = error_of(shop.post(ORDER | change), 400)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert not stripe.seen
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"not json", b"\xff", b'{"amount": NaN}', b"[" * 9999]
)
def test_a_body_that_is_no_json_object_is_400(stripe: FakeStripe, shop: Shop, body: bytes) -> None:
    error_of(shop.post(body), 400)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/thanks",
        "https://other.example/thanks",
        "https://shop.example.evil.example/",
        "https://shop.example@evil.example/",
        "https://shop.example:pw@shop.example/",
        "https://shop.example\\@evil.example/",
        "//shop.example/thanks",
        "/thanks",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://shop.example:port/",
        "https://[::1",
        "https://shop.example/\n",
        "https://shop.example/ x",
        "https://shöp.example/",
        "https://shop.example/" + "x" * 2000,
        "",
    ],
)
@pytest.mark.parametrize("param", ["success_url", "cancel_url"])
def test_buyers_are_not_sent_anywhere(
    stripe: FakeStripe, shop: Shop, organization: Organization, param: str, url: str
) -> None:
    RedirectHost.objects.create(organization=organization, host="shop.example")
    assert error_of(shop.post(ORDER | {param: url}), 400)["param"] == param


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/thanks",
        "https://SHOP.example:8443/{CHECKOUT_SESSION_ID}",
        "http://127.0.0.1:3000",
    ],
)
def test_buyers_are_sent_where_the_merchant_is(
    stripe: FakeStripe, shop: Shop, organization: Organization, url: str
) -> None:
    RedirectHost.objects.create(organization=organization, host="shop.example")
    answer = shop.post(ORDER | {"success_url": url})
    assert answer.json()["success_url"] == url


def test_a_key_is_needed_and_its_scope(
    stripe: FakeStripe, owner: User, organization: Organization
) -> None:
    assert error_of(Shop("").post(ORDER), 401)["code"] == "api_key_missing"
    answer = Shop("fli_test_wrong").post(ORDER)
    assert error_of(answer, 401)["type"] == "authentication_error"
    assert answer.headers["WWW-Authenticate"]
    reader = Shop(ApiKey.make(owner, organization, "r", ["payments-read"], test=True)[1])
    assert error_of(reader.post(ORDER), 403)["code"] == "scope_missing"
    assert reader.get().status_code == 200
    drops = Shop(ApiKey.make(owner, organization, "d", ["drops"], test=True)[1])
    assert error_of(drops.get(), 403)["code"] == "scope_missing"
    full = Shop(ApiKey.make(owner, organization, "f", ["*"], test=True)[1])
    assert full.post(ORDER).status_code == 201


@pytest.mark.parametrize(
    "path", ["/api/payment/checkouts?key={}", "/api/{}", "/api/payment/checkouts/{}"]
)
def test_a_key_in_the_url_is_refused_and_told_so(stripe: FakeStripe, key: str, path: str) -> None:
    error = error_of(Client().get(path.format(key), headers={"X-Api-Key": key}), 401)
    assert error["code"] == "api_key_in_url"
    assert key not in json.dumps(error)


def test_strangers_checkouts_do_not_exist(stripe: FakeStripe, shop: Shop, stranger: User) -> None:
    made = shop.post(ORDER).json()
    theirs = ApiKey.make(stranger, Organization.personal(stranger), "x", ["*"], test=True)[1]
    assert error_of(Shop(theirs).get(f"/{made['id']}"), 404)["code"] == "resource_missing"
    assert Shop(theirs).get().json()["data"] == []
    assert error_of(Shop(theirs).get(f"?starting_after={made['id']}"), 404)


def test_test_keys_and_live_keys_do_not_mix(
    stripe: FakeStripe, shop: Shop, owner: User, organization: Organization
) -> None:
    made = shop.post(ORDER).json()
    live = Shop(ApiKey.make(owner, organization, "live", ["payment-api"])[1])
    assert error_of(live.post(ORDER), 400)["code"] == "mode_mismatch"
    assert error_of(live.get(f"/{made['id']}"), 404)
    Transaction.objects.update(livemode=True)
    assert error_of(shop.get(f"/{made['id']}"), 404)
    assert shop.get().json()["data"] == []


def test_a_test_key_takes_no_real_money(stripe: FakeStripe, shop: Shop, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_live_x"
    assert error_of(shop.post(ORDER), 400)["code"] == "mode_mismatch"
    assert not stripe.seen


def test_a_maker_who_left_has_no_key(stripe: FakeStripe, shop: Shop) -> None:
    Membership.objects.all().delete()
    error_of(shop.post(ORDER), 401)


def test_the_list_comes_in_pages(stripe: FakeStripe, shop: Shop) -> None:
    ids = [shop.post(ORDER).json()["id"] for _time in range(3)][::-1]
    first = shop.get("?limit=2").json()
    assert ([row["id"] for row in first["data"]], first["has_more"]) == (ids[:2], True)
    rest = shop.get(f"?limit=2&starting_after={ids[1]}").json()
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == (ids[2:], False)
    for wrong in ("limit=0", "limit=101", "limit=x"):
        assert error_of(shop.get(f"?{wrong}"), 400)["param"] == "limit"


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_an_unknown_path_is_answered_in_the_same_shape(method: str) -> None:
    error_of(getattr(Client(enforce_csrf_checks=True), method)("/api/no/such"), 404)


def test_no_csrf_token_is_asked_of_programs(stripe: FakeStripe, shop: Shop) -> None:
    shop.client = Client(enforce_csrf_checks=True)
    assert shop.post(ORDER).status_code == 201


def test_without_stripe_there_is_a_reason_in_words(shop: Shop) -> None:
    assert error_of(shop.post(ORDER), 503)["code"] == "payments_not_configured"


def test_descriptions_may_be_in_any_script(stripe: FakeStripe, shop: Shop) -> None:
    text = "Tee\N{NO-BREAK SPACE}茶 \N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}"
    assert shop.post(ORDER | {"description": text}).json()["description"] == text


@pytest.mark.parametrize("name", ["tr_nothing", "%00", "x" * 500])
def test_what_is_not_there_is_404(shop: Shop, name: str) -> None:
    error_of(shop.get(f"/{name}"), 404)
    error_of(shop.get(f"?starting_after={name}"), 404)


# Idempotency-Key


def test_a_repeated_request_is_answered_again_and_done_once(stripe: FakeStripe, shop: Shop) -> None:
    first, again = (shop.post(ORDER, Idempotency_Key="k1") for _time in range(2))
    assert again.content == first.content
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert Transaction.objects.count() == len(stripe.store.sessions) == 1


def test_without_the_key_two_requests_are_two_checkouts(stripe: FakeStripe, shop: Shop) -> None:
    assert shop.post(ORDER).json()["id"] != shop.post(ORDER).json()["id"]


def test_another_request_under_the_same_key_is_refused(stripe: FakeStripe, shop: Shop) -> None:
    shop.post(ORDER, Idempotency_Key="k1")
    refused = shop.post(ORDER | {"amount": 1300}, Idempotency_Key="k1")
    assert error_of(refused, 422)["type"] == "idempotency_error"
    assert Transaction.objects.count() == 1


def test_the_same_key_of_another_merchant_is_another_key(
    stripe: FakeStripe, shop: Shop, stranger: User
) -> None:
    other = Shop(
        ApiKey.make(stranger, Organization.personal(stranger), "x", ["payment-api"], test=True)[1]
    )
    mine, theirs = (who.post(ORDER, Idempotency_Key="k1").json()["id"] for who in (shop, other))
    assert mine != theirs


def test_a_request_that_still_runs_is_409(stripe: FakeStripe, shop: Shop) -> None:
    shop.post(ORDER, Idempotency_Key="k1")
    IdempotentRequest.objects.update(answer=None, running_since=timezone.now())
    answer = shop.post(ORDER, Idempotency_Key="k1")
    error_of(answer, 409)
    assert answer.headers["Retry-After"]


def test_a_request_whose_process_died_is_completed_by_the_repeat(
    stripe: FakeStripe, shop: Shop
) -> None:
    made = shop.post(ORDER, Idempotency_Key="k1").json()
    long_ago = timezone.now() - LEASE - timedelta(seconds=1)
    IdempotentRequest.objects.update(answer=None, running_since=long_ago)
    Transaction.objects.update(checkout_session_id=None, checkout_url="")
    again = shop.post(ORDER, Idempotency_Key="k1")
    assert again.json() == made
    assert Transaction.objects.count() == len(stripe.store.sessions) == 1


@pytest.mark.parametrize("after", [True, False])
def test_stripe_failing_is_502_and_the_repeat_completes_the_same_checkout(
    stripe: FakeStripe, shop: Shop, after: bool
) -> None:
    stripe.faults.append(Fault(500, after=after))
    failed = shop.post(ORDER, Idempotency_Key="k1")
    assert error_of(failed, 502)["type"] == "api_error"
    assert failed.headers["Retry-After"]
    assert shop.post(ORDER, Idempotency_Key="k1").status_code == 201
    assert Transaction.objects.count() == len(stripe.store.sessions) == 1


def test_a_refusal_of_stripes_is_passed_on_and_repeated(
    stripe: FakeStripe, shop: Shop, organization: Organization
) -> None:
    order = ORDER | {"amount": 99_999_999_999, "currency": "idr"}
    first = shop.post(order, Idempotency_Key="k1")
    assert "Stripe refused" in error_of(first, 400)["message"]
    again = shop.post(order, Idempotency_Key="k1")
    assert again.status_code == 400
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Transaction.objects.get().status == "failed"


@pytest.mark.parametrize("header", ["", "x" * 256, "é"])
def test_a_key_that_is_none_is_refused(stripe: FakeStripe, shop: Shop, header: str) -> None:
    assert error_of(shop.post(ORDER, Idempotency_Key=header), 400)["type"] == "idempotency_error"


def test_a_source_of_strange_characters_is_refused(stripe: FakeStripe, shop: Shop) -> None:
    error_of(shop.post(ORDER, X_FastLinkIt_Source="x" * 81), 400)
