"""The browser's side of Mozilla's autopush: JSON messages over one WebSocket.

Source: https://mozilla-push-service.readthedocs.io/en/latest/design/#simplepush-protocol and
Firefox's dom/push/PushServiceWebSocket.sys.mjs.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from tests.autopush.store import Channel, Message, Store
from tests.autopush.validation import decode, encode, public_key

LOGGER = logging.getLogger(__name__)
LOGGER.setLevel(logging.WARNING)  # a line for each connection says nothing


class Session:
    """One browser's connection, from the upgrade request to the last frame."""

    def __init__(
        self,
        store: Store,
        endpoint_of: Callable[[Channel], str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.store = store
        self.endpoint_of = endpoint_of
        self.reader = reader
        self.writer = writer
        self.loop = asyncio.get_running_loop()
        self.protocol = ServerProtocol(
            subprotocols=[Subprotocol("push-notification")], logger=LOGGER
        )
        self.uaid = ""
        self._text = b""

    async def run(self, head: bytes) -> None:
        """Serve the connection until one side ends it. `head` is the upgrade request."""
        self.protocol.receive_data(head)
        try:
            self._handle_events()
            while data := await self.reader.read(65536):
                self.protocol.receive_data(data)
                self._handle_events()
                if self.protocol.close_expected():
                    break
        except (ConnectionError, ConnectionClosed):
            pass
        finally:
            with self.store.changed:
                if self.store.browsers.get(self.uaid) is self:
                    del self.store.browsers[self.uaid]
                    self.store.changed.notify_all()
            self.writer.close()

    def deliver(self, channel: Channel, message: Message) -> None:
        """Push one message to the browser."""
        self._send(
            messageType="notification",
            channelID=channel.channel_id,
            version=message.version,
            data=encode(message.body),
            headers={"encoding": "aes128gcm"},
        )

    def close(self) -> None:
        """End the connection; the browser comes back by itself. May be called by any thread."""
        self.loop.call_soon_threadsafe(self.writer.close)

    def _handle_events(self) -> None:
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self.protocol.send_response(self.protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._text += bytes(event.data)
                if event.fin:
                    text, self._text = self._text, b""
                    self._handle(json.loads(text))
        self._flush()

    def _handle(self, message: dict[str, Any]) -> None:
        handlers = {
            "hello": self._hello,
            "register": self._register,
            "unregister": self._unregister,
            "ack": self._acknowledge,
        }
        if not message:
            self._send()  # the ping is an empty object, and so is its answer
        elif handler := handlers.get(message.get("messageType", "")):
            handler(message)

    def _hello(self, message: dict[str, Any]) -> None:
        offered = message.get("uaid") or ""
        with self.store.changed:
            self.uaid = offered if offered in self.store.known_uaids else uuid.uuid4().hex
            self.store.known_uaids.add(self.uaid)
            self.store.browsers[self.uaid] = self
            self._send(
                messageType="hello", status=200, uaid=self.uaid, use_webpush=True, broadcasts={}
            )
            for channel, waiting in self.store.waiting_for(self.uaid):
                self.deliver(channel, waiting)
            self.store.changed.notify_all()

    def _register(self, message: dict[str, Any]) -> None:
        channel_id, key = message["channelID"], message.get("key")
        try:
            raw = decode(key.rstrip("=")) if key else None  # Firefox pads it
            if raw is not None:
                public_key(raw)
        except ValueError:
            self._send(messageType="register", status=400, channelID=channel_id)
            return
        endpoint = self.endpoint_of(self.store.subscribe(raw, self.uaid, channel_id))
        self._send(messageType="register", status=200, channelID=channel_id, pushEndpoint=endpoint)

    def _unregister(self, message: dict[str, Any]) -> None:
        for channel in list(self.store.channels.values()):
            if (channel.uaid, channel.channel_id) == (self.uaid, message["channelID"]):
                self.store.remove(channel.token)
        self._send(messageType="unregister", status=200, channelID=message["channelID"])

    def _acknowledge(self, message: dict[str, Any]) -> None:
        for update in message.get("updates", []):
            self.store.acknowledge(update.get("version", ""), int(update.get("code", 100)))

    def _send(self, **message: object) -> None:
        try:
            self.protocol.send_text(json.dumps(message).encode())
        except (ConnectionClosed, InvalidState):
            return
        self._flush()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data and not self.writer.is_closing():
                self.writer.write(data)
