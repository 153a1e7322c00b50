"""Tickets in the admin: to look at. What customers write, and secret URLs, belong on the organization's own pages."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.read_only_admin import ReadOnlyAdmin
from tickets.mail.receive import process_again
from tickets.models import Mailbox, Message, RawMail, Ticket, TicketPrefix


@admin.register(Mailbox)
class MailboxAdmin(ReadOnlyAdmin):
    list_display = ("address", "name", "organization", "token_made_at", "created_at")
    list_select_related = ("organization",)
    search_fields = ("address", "organization__name")
    fields = list_display


@admin.register(TicketPrefix)
class TicketPrefixAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "organization", "current", "last_number")
    list_select_related = ("organization",)
    search_fields = ("prefix", "organization__name")


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    list_display = (
        *("number", "organization", "mailbox", "status", "priority", "assignee"),
        *("created_at", "updated_at"),
    )
    list_filter = ("status", "priority")
    list_select_related = ("organization", "mailbox", "assignee")
    search_fields = ("=number", "organization__name")
    fields = list_display


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """That something was said and whether it went out, never what it says."""

    list_display = ("pk", "ticket", "direction", "state", "attempts", "error", "created_at")
    list_filter = ("direction", "state")
    list_select_related = ("ticket",)
    search_fields = ("=ticket__number", "=message_id")
    fields = list_display[1:]


@admin.register(RawMail)
class RawMailAdmin(ReadOnlyAdmin):
    list_display = (
        *("pk", "mailbox", "status", "ticket", "size", "duplicates", "attempts"),
        *("error", "received_at"),
    )
    list_filter = ("status",)
    list_select_related = ("mailbox", "ticket")
    search_fields = ("=ticket__number", "=mailbox__address", "=message_id")
    fields = list_display[1:]
    actions = ("run_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RawMail]:
        return super().get_queryset(request).defer("raw")

    @admin.action(description=_("Run again"), permissions=["run"])
    def run_again(self, request: HttpRequest, rows: QuerySet[RawMail]) -> None:
        done = [process_again(row) for row in rows.select_related("mailbox__organization")]
        filed = sum(bool(received.number) for received in done)
        said = ngettext(
            "%(count)d mail is in a ticket now.", "%(count)d mails are in tickets now.", filed
        )
        self.message_user(request, said % {"count": filed}, messages.INFO)

    def has_run_permission(self, request: HttpRequest) -> Any:
        return request.user.has_perm("tickets.change_rawmail")
