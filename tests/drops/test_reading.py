"""The list, one Drop, and its end."""

from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import User
from drops.models import Drop
from push.models import Notification
from tests.drops.conftest import Browser, SignIn


def drop_from(browser: Browser, text: str = "The code is 4711") -> Drop:
    drop: Drop = Drop.send(
        sender=browser.device.user,
        recipient=browser.device.user,
        text=text,
        device=browser.device,
    )
    return drop


def test_the_empty_list_says_what_it_is_for(laptop: Browser) -> None:
    assert "Nothing here yet" in laptop.client.get("/Drops").content.decode()


def test_a_new_drop_is_marked_on_the_other_device_only(laptop: Browser, phone: Browser) -> None:
    drop_from(laptop)
    there, here = (browser.client.get("/Drops").content.decode() for browser in (phone, laptop))
    assert "drop-unread" in there
    assert "From Laptop" in there
    assert "drop-unread" not in here
    assert "Sent from this device" in here


def test_opening_it_shows_the_text_and_marks_it_read(laptop: Browser, phone: Browser) -> None:
    drop = drop_from(laptop, "<script>alert(1)</script> & more")
    page = phone.client.get(drop.get_absolute_url()).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "From Laptop" in page
    drop.refresh_from_db()
    assert drop.read_at is not None
    assert "drop-unread" not in phone.client.get("/Drops").content.decode()


def test_asking_for_its_head_reads_nothing(laptop: Browser, phone: Browser) -> None:
    drop = drop_from(laptop)
    assert phone.client.head(drop.get_absolute_url()).status_code == 200
    assert Drop.objects.get().read_at is None


def test_nothing_of_it_stays_in_the_browser_after_signing_out(laptop: Browser) -> None:
    """Else the Back button shows it to whoever comes next."""
    url = drop_from(laptop).get_absolute_url()
    for page in ("/Drops", url, f"{url}/removal"):
        assert "no-store" in laptop.client.get(page).headers["Cache-Control"]


def test_opening_it_settles_its_notification(laptop: Browser, phone: Browser) -> None:
    drop, other = drop_from(laptop), drop_from(laptop, "another")
    phone.client.get(drop.get_absolute_url())
    read = {row.url: row.read_at is not None for row in Notification.objects.all()}
    assert read == {drop.get_absolute_url(): True, other.get_absolute_url(): False}


def test_looking_at_it_where_it_was_sent_reads_nothing(laptop: Browser, phone: Browser) -> None:
    drop = drop_from(laptop)
    page = laptop.client.get(drop.get_absolute_url()).content.decode()
    assert "not opened on another device yet" in page
    drop.refresh_from_db()
    assert drop.read_at is None
    assert Notification.objects.filter(read_at=None).exists()


def test_it_is_read_once(laptop: Browser, phone: Browser) -> None:
    drop = drop_from(laptop)
    phone.client.get(drop.get_absolute_url())
    first = Drop.objects.get().read_at
    phone.client.get(drop.get_absolute_url())
    assert Drop.objects.get().read_at == first


def test_the_copy_action_of_the_push_opens_it_with_its_button_focused(
    laptop: Browser, phone: Browser
) -> None:
    drop = drop_from(laptop)
    action = Notification.objects.get().actions[0]
    assert action["navigate"] == f"{drop.get_absolute_url()}?focus=copy"
    focused = phone.client.get(action["navigate"]).content.decode()
    plain = phone.client.get(drop.get_absolute_url()).content.decode()
    button = 'data-testid="drop-copy" autofocus>'
    assert button in focused
    assert button not in plain


def test_strangers_find_no_drop(laptop: Browser, browser_of: SignIn, stranger: User) -> None:
    drop = drop_from(laptop)
    theirs = browser_of(stranger).client
    url = drop.get_absolute_url()
    for response in (
        theirs.get(url),
        theirs.get(f"{url}/removal"),
        theirs.post(f"{url}/removal"),
        theirs.get(f"/Drops?before={drop.public_id}"),
        theirs.get("/Drops/no-such-drop"),
    ):
        assert response.status_code == 404
    drop.refresh_from_db()
    assert drop.read_at is None


def test_signed_out_people_sign_in_first_and_land_on_the_drop(laptop: Browser) -> None:
    url = drop_from(laptop).get_absolute_url()
    assert Client().get(url)["Location"] == f"/Account/Login?next={url}"


def test_deleting_asks_first_and_then_deletes_everywhere(laptop: Browser, phone: Browser) -> None:
    drop = drop_from(laptop)
    url = f"{drop.get_absolute_url()}/removal"
    assert "Delete this Drop?" in phone.client.get(url).content.decode()
    assert Drop.objects.exists()
    response = phone.client.post(url, follow=True)
    assert "The Drop is deleted." in response.content.decode()
    assert not Drop.objects.exists()
    assert laptop.client.get(drop.get_absolute_url()).status_code == 404


def test_deleting_settles_what_was_said_about_it(laptop: Browser) -> None:
    drop = drop_from(laptop)
    laptop.client.post(f"{drop.get_absolute_url()}/removal")
    notification = Notification.objects.get()
    assert notification.read_at is not None
    assert "4711" in notification.body


def test_deleting_twice_is_a_404_and_nothing_breaks(laptop: Browser) -> None:
    url = f"{drop_from(laptop).get_absolute_url()}/removal"
    laptop.client.post(url)
    assert laptop.client.post(url).status_code == 404


def test_a_drop_outlives_the_device_that_sent_it(laptop: Browser, phone: Browser) -> None:
    drop = drop_from(laptop)
    laptop.device.remove()
    page = phone.client.get(drop.get_absolute_url()).content.decode()
    assert "From a device that has been removed" in page


def test_the_list_is_paged_newest_first_and_shows_each_drop_once(
    laptop: Browser, settings: Any
) -> None:
    for number in range(65):
        drop_from(laptop, f"Drop number {number}")
    seen: list[str] = []
    url = "/Drops"
    for _page in range(3):
        response = laptop.client.get(url)
        seen += [row["drop"].preview for row in response.context["rows"]]
        older = response.context["older"]
        url = f"/Drops?before={older.public_id}" if older else ""
    assert url == ""
    assert seen == [f"Drop number {number}" for number in reversed(range(65))]


def test_drops_of_the_same_instant_are_neither_lost_nor_doubled(laptop: Browser) -> None:
    user = laptop.device.user
    at = drop_from(laptop).created_at
    Drop.objects.bulk_create(
        Drop(sender=user, recipient=user, text=f"{number}", created_at=at) for number in range(40)
    )
    first, _more = Drop.page(user, None, 30)
    second, more = Drop.page(user, first[-1], 30)
    assert len({drop.pk for drop in first + second}) == 41
    assert not more


def test_the_list_costs_the_same_queries_and_no_texts_however_long_it_is(
    laptop: Browser, phone: Browser, django_assert_max_num_queries: Any
) -> None:
    for _ in range(40):
        drop_from(laptop, "y" * 50_000)
    with django_assert_max_num_queries(15):
        response = phone.client.get("/Drops")
    assert len(response.content) < 100_000


def test_a_hundred_thousand_drops_are_read_by_index(laptop: Browser) -> None:
    user = laptop.device.user
    Drop.objects.bulk_create(Drop(sender=user, recipient=user, text="x") for _ in range(200))
    newest, _more = Drop.page(user, None, 30)
    rows = Drop.objects.filter(recipient=user).before(newest[-1])[:31]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # two hundred rows need no index
        assert "Scan using drops_received" in rows.explain()
    else:
        index = "USING INDEX drops_received (recipient_id=? AND created_at<?)"
        assert index in rows.explain()


def test_the_tile_counts_what_is_new_on_this_device(laptop: Browser, phone: Browser) -> None:
    drop_from(laptop)
    assert "1 new" in phone.client.get("/").content.decode()
    assert "1 new" not in laptop.client.get("/").content.decode()


def test_the_tile_counts_no_further_than_it_shows(laptop: Browser, phone: Browser) -> None:
    user = laptop.device.user
    Drop.objects.bulk_create(Drop(sender=user, recipient=user, text="x") for _ in range(150))
    assert "99+ new" in phone.client.get("/").content.decode()
