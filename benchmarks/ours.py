"""Our sender alone, asked over its standard input as the peers are: python -m benchmarks.ours TASK."""

import gc
import sys
import time
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from django.apps import apps

from benchmarks.peers.rounds import Send, Task, answer, read_task

if TYPE_CHECKING:
    from push.delivery.sender import Message


def message_source(task: Task) -> "Callable[[int], Message]":
    """Gives the message of each number, to each subscription in turn."""
    from push.delivery.encryption import base64url_decode
    from push.delivery.endpoints import service_of
    from push.delivery.sender import Message
    from push.delivery.vapid import keyring

    current = keyring().current
    assert current is not None
    subscriptions = [
        (
            each["endpoint"],
            service_of(each["endpoint"]),
            base64url_decode(each["keys"]["p256dh"]),
            base64url_decode(each["keys"]["auth"]),
        )
        for each in task.subscriptions
    ]
    plaintext, key_id = task.plaintext.encode(), current.key_id

    def message(number: int) -> Message:
        endpoint, name, p256dh, auth = subscriptions[number % len(subscriptions)]
        return Message(
            number, endpoint, name, p256dh, auth, plaintext, 86_400, "normal", "", key_id
        )

    return message


def sender(task: Task) -> Send:
    """Feeds ``Sender`` as the worker does: as many messages as the service has slots."""
    from push.delivery.answers import Outcome
    from push.delivery.sender import Sender

    message = message_source(task)
    service = message(0).service
    kept = Sender()

    def send(count: int) -> list[float]:
        waiting, started = map(message, range(count)), [0.0] * count
        taken: list[float] = []
        while len(taken) < count:
            now = time.perf_counter()
            batch = list(islice(waiting, kept.slots(service)))
            for each in batch:
                started[each.id] = now
            kept.submit(batch)
            for result in kept.poll(1.0):
                assert result.answer.outcome is Outcome.ACCEPTED, result.answer
                taken.append(time.perf_counter() - started[result.message.id])
        return taken

    return send


if __name__ == "__main__":
    apps.populate(())  # it needs settings and words, and none of the models
    ours = sender(read_task(sys.argv[1]))
    gc.freeze()
    answer(ours)
