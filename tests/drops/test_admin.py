"""Drops in the admin."""

from django.test import Client

from accounts.models import User
from drops.models import Drop


def test_an_administrator_sees_that_a_drop_was_sent_but_not_what_it_says(
    admin_client: Client, owner: User
) -> None:
    drop = Drop.send(sender=owner, recipient=owner, text="a private line", device=None)
    listed = admin_client.get("/admin/drops/drop/").content.decode()
    opened = admin_client.get(f"/admin/drops/drop/{drop.pk}/change/").content.decode()
    for page in (listed, opened):
        assert drop.public_id in page
        assert owner.email in page or str(owner) in page
        assert "a private line" not in page


def test_an_administrator_can_neither_add_nor_change_nor_delete_drops(
    admin_client: Client, owner: User
) -> None:
    drop = Drop.send(sender=owner, recipient=owner, text="hello", device=None)
    for path in ("add/", f"{drop.pk}/delete/"):
        assert admin_client.post(f"/admin/drops/drop/{path}").status_code == 403
    assert admin_client.post(f"/admin/drops/drop/{drop.pk}/change/", {}).status_code == 403
    assert Drop.objects.get().text == "hello"
