"""What the push service knows: subscriptions, queued messages, requests seen, and its moods."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tests.autopush.validation import encode


@dataclass
class Channel:
    """One subscription. `uaid` names the browser, and is empty for one without a browser."""

    token: str
    key: bytes | None  # the application server key, 65 bytes; None takes any
    uaid: str
    channel_id: str
    removed: bool = False  # answers 410 from then on


@dataclass
class Message:
    """A message that was accepted and waits for the browser to acknowledge it."""

    version: str
    token: str
    body: bytes
    topic: str | None
    expires_at: float  # monotonic seconds
    acknowledged: int | None = None  # 100 delivered, 101 could not decrypt, 102 not delivered


@dataclass
class Record:
    """One request as it came, and what was decided about it."""

    at: float  # monotonic seconds, when the last byte of the body was there
    method: str
    path: str
    token: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    status: int | None = None  # None: never answered (or not yet)
    problem: str = ""  # what is wrong with it, also where a fault decided the answer


@dataclass(eq=False)
class Fault:
    """How the service misbehaves, for one subscription (`token`) or all, `times` or until told."""

    status: int | None = None  # answered instead of the verdict
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0  # seconds before the answer
    silence: Literal["", "stall", "reset"] = ""
    deliver: bool = False  # hand the message on all the same
    token: str | None = None
    times: int | None = None


class Browser(Protocol):
    """The open WebSocket of one browser."""

    def deliver(self, channel: Channel, message: Message) -> None: ...
    def close(self) -> None: ...


class Store:
    """Shared by the service's own thread and by tests; `changed` guards it and tells of changes."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.channels: dict[str, Channel] = {}
        self.messages: dict[str, Message] = {}
        self.browsers: dict[str, Browser] = {}
        self.known_uaids: set[str] = set()
        self.log: list[Record] = []
        self.faults: list[Fault] = []

    def wait[T](self, condition: Callable[[], T], timeout: float, what: str) -> T:
        """The first true value of `condition`; TimeoutError after `timeout` seconds."""
        with self.changed:
            value = self.changed.wait_for(condition, timeout)
        if not value:
            raise TimeoutError(f"{what} did not happen within {timeout} s")
        return value

    def subscribe(self, key: bytes | None, uaid: str = "", channel_id: str = "") -> Channel:
        """A new subscription; a browser that registers a channel again gets the same one."""
        with self.changed:
            for channel in self.channels.values():
                same = uaid and (channel.uaid, channel.channel_id) == (uaid, channel_id)
                if same and not channel.removed and channel.key == key:
                    return channel
            channel = Channel(secrets.token_urlsafe(24), key, uaid, channel_id)
            self.channels[channel.token] = channel
            self.changed.notify_all()
            return channel

    def remove(self, token: str) -> None:
        """End a subscription: 410 from now on, and nothing queued for it is delivered."""
        with self.changed:
            self.channels[token].removed = True
            self.messages = {k: m for k, m in self.messages.items() if m.token != token}
            self.changed.notify_all()

    def forget(self, uaid: str) -> None:
        """Forget a browser with all its subscriptions, as a service does that lost its data."""
        with self.changed:
            self.known_uaids.discard(uaid)
            for channel in list(self.channels.values()):
                if channel.uaid == uaid:
                    self.remove(channel.token)
            browser = self.browsers.pop(uaid, None)
        if browser:
            browser.close()

    def queue(self, record: Record) -> Message:
        """Keep an accepted message until it is acknowledged or its TTL (seconds) is spent."""
        ttl, topic = int(record.headers.get("ttl", 0)), record.headers.get("topic")
        message = Message(
            encode(secrets.token_bytes(16)), record.token, record.body, topic, record.at + ttl
        )
        with self.changed:
            for version, other in list(self.messages.items()):
                replaced = topic and (other.token, other.topic) == (record.token, topic)
                if replaced and other.acknowledged is None:
                    del self.messages[version]
            self.messages[message.version] = message
            channel = self.channels[record.token]
            if browser := self.browsers.get(channel.uaid):
                browser.deliver(channel, message)
            self.changed.notify_all()
        return message

    def waiting_for(self, uaid: str) -> list[tuple[Channel, Message]]:
        """What a browser that comes back has still to get, oldest first."""
        now = time.monotonic()
        with self.changed:
            return [
                (channel, message)
                for message in self.messages.values()
                if message.acknowledged is None and message.expires_at > now
                for channel in [self.channels[message.token]]
                if channel.uaid == uaid and not channel.removed
            ]

    def withdraw(self, version: str) -> None:
        """The application takes an accepted message back (RFC 8030 section 6.2)."""
        with self.changed:
            self.messages.pop(version, None)
            self.changed.notify_all()

    def acknowledge(self, version: str, code: int) -> None:
        """A browser says what became of a message."""
        with self.changed:
            if message := self.messages.get(version):
                message.acknowledged = code
            self.changed.notify_all()

    def take_fault(self, token: str) -> Fault | None:
        """The fault to apply to a request of this subscription, newest first, used up once."""
        with self.changed:
            for fault in reversed(self.faults):
                if fault.token in (None, token):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self.faults.remove(fault)
                    return fault
        return None
