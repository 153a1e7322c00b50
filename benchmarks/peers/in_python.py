"""The senders of other projects that are called from Python, each as its documentation shows it.

python -m benchmarks.peers.in_python NAME TASK
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.peers.rounds import Send, Task, answer, read_task

IN_FLIGHT = 50
THREADS = 32
TTL = 86_400


def pywebpush(task: Task) -> Send:
    """``webpush()`` for each message, as the README has it."""
    return _one_by_one(task, None)


def pywebpush_session(task: Task) -> Send:
    """The same with one ``requests.Session`` for all messages."""
    import requests

    return _one_by_one(task, requests.Session())


def _one_by_one(task: Task, session: Any) -> Send:
    from pywebpush import webpush

    def send(messages: int) -> list[float]:
        taken = []
        for number in range(messages):
            started = time.perf_counter()
            webpush(
                subscription_info=task.subscription(number),
                data=task.plaintext,
                vapid_private_key=task.private_key,
                vapid_claims={"sub": task.subject},
                ttl=TTL,
                timeout=10,
                requests_session=session,
            )
            taken.append(time.perf_counter() - started)
        return taken

    return send


def pywebpush_async(task: Task) -> Send:
    """``webpush_async()`` with one ``aiohttp.ClientSession``, 50 in flight."""
    import aiohttp
    from pywebpush import webpush_async

    loop = asyncio.new_event_loop()

    async def session() -> Any:
        return aiohttp.ClientSession(trust_env=True)

    kept = loop.run_until_complete(session())

    async def send_one(number: int) -> None:
        answered = await webpush_async(
            subscription_info=task.subscription(number),
            data=task.plaintext,
            vapid_private_key=task.private_key,
            vapid_claims={"sub": task.subject},
            ttl=TTL,
            aiohttp_session=kept,
        )
        assert not isinstance(answered, str)
        answered.release()

    return lambda messages: loop.run_until_complete(_in_flight(messages, send_one))


async def _in_flight(
    messages: int, send_one: Callable[[int], Coroutine[Any, Any, None]]
) -> list[float]:
    taken: list[float] = []
    numbers = iter(range(messages))

    async def work() -> None:
        for number in numbers:
            started = time.perf_counter()
            await send_one(number)
            taken.append(time.perf_counter() - started)

    await asyncio.gather(*(work() for _each in range(IN_FLIGHT)))
    return taken


def webpush_rs(task: Task) -> Send:
    """``send_one()`` in 32 threads: it blocks, and lets other threads run meanwhile."""
    from webpush_rs import send_one  # type: ignore[import-not-found]

    pool = ThreadPoolExecutor(THREADS)
    plaintext = task.plaintext.encode()

    def one(number: int) -> float:
        started = time.perf_counter()
        subscription = task.subscription(number)
        keys = subscription["keys"]
        status = send_one(
            subscription["endpoint"],
            keys["p256dh"],
            keys["auth"],
            task.private_key,
            task.subject,
            plaintext,
        )
        assert status == 201, status
        return time.perf_counter() - started

    return lambda messages: list(pool.map(one, range(messages)))


PEERS = {
    "pywebpush": pywebpush,
    "pywebpush-session": pywebpush_session,
    "pywebpush-async": pywebpush_async,
    "webpush-rs": webpush_rs,
}


if __name__ == "__main__":
    answer(PEERS[sys.argv[1]](read_task(sys.argv[2])))
