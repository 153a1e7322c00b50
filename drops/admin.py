"""Drops in the admin: that they were sent, never what they say."""

from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from drops.models import Drop

MAX_COUNT = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than ``MAX_COUNT`` rows: a big table costs no more than a small one."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Drop]", self.object_list)
        return rows[: MAX_COUNT + 1].count()


@admin.register(Drop)
class DropAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
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
    date_hierarchy = None
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = BoundedPaginator
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Drop | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Drop | None = None) -> bool:
        return False
