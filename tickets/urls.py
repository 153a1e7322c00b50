from django.urls import path

from tickets.views import held, mailboxes, tickets, webhook

app_name = "tickets"
urlpatterns = [
    path("Support", tickets.ticket_list, name="list"),
    path("Support/Mailboxes", mailboxes.mailbox_list, name="mailboxes"),
    path("Support/Mailboxes/<int:key>/token", mailboxes.token, name="mailbox_token"),
    path("Support/Held", held.held_list, name="held"),
    path("Support/Held/<int:key>/run", held.run, name="held_run"),
    path("Support/Held/<int:key>/ticket", held.ticket, name="held_ticket"),
    path("Support/Held/<int:key>/raw", held.raw, name="held_raw"),
    path("Support/<str:number>", tickets.ticket, name="ticket"),
    path("Support/<str:number>/closure", tickets.closure, name="closure"),
    path("Support/<str:number>/<int:key>/sending", tickets.sending, name="sending"),
    path("Support/<str:number>/<int:key>/raw", tickets.raw, name="raw"),
    path("webhooks/mail/<path:token>", webhook.mail, name="webhook"),
]
