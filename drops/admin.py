"""Drops in the admin: that they were sent, never what they say."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.read_only_admin import ReadOnlyAdmin
from drops.models import Drop


@admin.register(Drop)
class DropAdmin(ReadOnlyAdmin):
    """Read-only: a Drop has a life of its own. The text belongs to the two people concerned."""

    list_display = (
        "public_id",
        "sender",
        "sender_device",
        "recipient",
        "length",
        "created_at",
        "read_at",
    )
    list_filter = (("read_at", admin.EmptyFieldListFilter),)
    list_select_related = ("sender", "sender_device", "recipient")
    search_fields = ("public_id", "sender__email", "recipient__email")
    fields = readonly_fields = (
        "public_id",
        "sender",
        "sender_device",
        "recipient",
        "length",
        "created_at",
        "read_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Drop]:
        rows: QuerySet[Drop] = super().get_queryset(request)
        return rows.defer("text").annotate(length=Length("text"))

    @admin.display(description=_("characters"))
    def length(self, drop: Any) -> int:
        return int(drop.length)
