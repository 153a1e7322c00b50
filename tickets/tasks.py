"""What tickets do in the background."""

from datetime import timedelta

from django.tasks import task
from django.utils import timezone

from tickets.mail import outgoing
from tickets.mail.receive import process_again
from tickets.models import Message, RawMail

PATIENCE = timedelta(minutes=10)
BATCH = 200


@task()
def send_reply(message_key: int) -> None:
    """Mails one answer. Temporary trouble enqueues it anew, later."""
    outgoing.send(message_key)


@task()
def sweep() -> dict[str, int]:
    """Takes up what a process left lying when it was killed: mail that was kept but not processed, and sendings."""
    before = timezone.now() - PATIENCE
    waiting = RawMail.objects.filter(status=RawMail.Status.RECEIVED, received_at__lt=before)
    rows = list(waiting.order_by("received_at")[:BATCH].values_list("pk", flat=True))
    for key in rows:
        process_again(RawMail.objects.select_related("mailbox__organization").get(pk=key))
    stuck = Message.objects.filter(state=Message.State.SENDING, state_at__lt=before)
    messages = list(stuck[:BATCH])
    for message in messages:
        message.mark_failed(outgoing.interrupted())
    return {"raw_mails": len(rows), "messages": len(messages)}
