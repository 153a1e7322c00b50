"""The HTTP side of the push service: what comes, what is decided, what is answered."""

import asyncio
import time
from collections.abc import Callable, Mapping

from tests.autopush import admin
from tests.autopush.http import Request, read_request, reset, response
from tests.autopush.store import Channel, Fault, Record, Store
from tests.autopush.validation import RefusalError, Rules, check
from tests.autopush.websocket import Session

MESSAGES = "/wpush/v2/"  # + token: where messages are posted
ACCEPTED = "/m/"  # + version: an accepted message, which can be deleted again
JSON = {"Content-Type": "application/json"}


class Server:
    """Answers the connections of one service."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self.store = store
        self.rules = rules

    def endpoint_of(self, channel: Channel) -> str:
        """The URL that messages for this subscription are posted to."""
        return f"{self.rules.origin}{MESSAGES}{channel.token}"

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: requests one after another, or a browser's WebSocket."""
        try:
            while request := await read_request(reader, writer):
                if request.path == "/ws" and "upgrade" in request.headers:
                    await Session(self.store, self.endpoint_of, reader, writer).run(request.head)
                    return
                answer = await self._answer(request, reader, writer)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes | None:
        if not request.path.startswith((MESSAGES, ACCEPTED)):
            return admin.answer(self.store, self.endpoint_of, request)
        record, refusal = self._record(request)
        fault = self.store.take_fault(record.token) or Fault()
        accept: Callable[[], bytes] | None = None
        if refusal is None and (fault.deliver or not (fault.status or fault.silence)):
            accept = self._accept(record)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.silence == "reset":
            reset(writer)
            return None
        if fault.silence == "stall":
            await reader.read()  # until the client gives up
            return None
        if fault.status:
            return self._decide(record, fault.status, fault.headers, fault.body.encode())
        if refusal:
            return self._decide(record, refusal.status, JSON, refusal.body())
        assert accept is not None
        return accept()

    def _record(self, request: Request) -> tuple[Record, RefusalError | None]:
        token = request.path.removeprefix(MESSAGES).partition("?")[0]
        record = Record(
            time.monotonic(), request.method, request.path, token, request.headers, request.body
        )
        refusal = None
        try:
            self._check(record)
        except RefusalError as error:
            record.problem, refusal = error.reason, error
        with self.store.changed:
            self.store.log.append(record)
            self.store.changed.notify_all()
        return record, refusal

    def _check(self, record: Record) -> None:
        if record.path.startswith(ACCEPTED) and record.method == "DELETE":
            if record.path.removeprefix(ACCEPTED) not in self.store.messages:
                raise RefusalError(404, 102, "UnknownMessage", "There is no such message")
            return
        if record.method != "POST" or not record.path.startswith(MESSAGES):
            raise RefusalError(405, 111, "BadMethod", "Messages are posted to an endpoint")
        channel = self.store.channels.get(record.token)
        if channel is None:
            raise RefusalError(404, 102, "UnknownSubscription", "There is no such subscription")
        if channel.removed:
            raise RefusalError(410, 106, "Unregistered", "The subscription has ended")
        check(record.headers, record.body, channel.key, self.rules, time.time())

    def _accept(self, record: Record) -> Callable[[], bytes]:
        """Take the message at once; what is returned makes the answer, later if need be."""
        if record.method == "DELETE":
            self.store.withdraw(record.path.removeprefix(ACCEPTED))
            return lambda: self._decide(record, 204)
        message = self.store.queue(record)
        location = f"{self.rules.origin}{ACCEPTED}{message.version}"
        headers = {"Location": location, "TTL": record.headers["ttl"]}
        return lambda: self._decide(record, 201, headers)

    def _decide(
        self,
        record: Record,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> bytes:
        with self.store.changed:
            record.status = status
            self.store.changed.notify_all()
        return response(status, headers, body)
