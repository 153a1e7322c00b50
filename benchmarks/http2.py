"""The server's half of HTTP/2 as far as a push service needs it, its frames written by hand (RFC 9113).

Nothing decodes HPACK to answer: the answer to every request is the same bytes but for the stream's number.
"""

import struct
from collections.abc import Callable
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
STREAMS: Final = 100

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 3, 4, 6, 7, 8, 9,
)  # fmt: skip
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

_MAX_CONCURRENT_STREAMS, _INITIAL_WINDOW_SIZE = 0x3, 0x4
_WINDOW = 2**31 - 1
_REFILL = 2**30  # bytes after which the connection's window is filled up again
_HEAD = struct.Struct(">HBBBI")  # length in 16 + 8 bits, type, flags, stream

type Arrived = Callable[[int, bytes, bytes], None]
"""Called with stream, header block and body of each request that is whole."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame (RFC 9113 §4.1)."""
    length = len(payload)
    return _HEAD.pack(length >> 8, length & 0xFF, kind, flags, stream) + payload


def answer_block(status: int, location: str) -> bytes:
    """``:status`` and ``location`` in HPACK without indexing or Huffman (RFC 7541 §6.2.2, appendix A)."""
    value = location.encode("ascii")
    if len(value) > 126:
        raise ValueError("at most 126 characters of location")
    # Static names 8 (:status) and 46 (location: 15 and 31 more).
    block = b"\x08\x03%d" % status
    return block + b"\x0f\x1f" + bytes((len(value),)) + value if value else block


class Connection:
    """Reads one client's bytes; calls ``arrived`` for each request and collects what to write.

    ``keep`` False: header blocks and bodies are not put together, and ``arrived`` gets empty bytes.
    """

    def __init__(self, arrived: Arrived, *, keep: bool) -> None:
        self.keep = keep
        self.out = [
            frame(
                SETTINGS,
                0,
                0,
                struct.pack(
                    ">HIHI", _MAX_CONCURRENT_STREAMS, STREAMS, _INITIAL_WINDOW_SIZE, _WINDOW
                ),
            ),
            frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", _WINDOW - 65_535)),
        ]
        self._arrived = arrived
        self._rest = b""
        self._preface_read = False
        self._received = 0
        self._ends: set[int] = set()  # streams whose headers end them once they are whole
        self._blocks: dict[int, bytes] = {}
        self._bodies: dict[int, bytes] = {}

    def receive(self, data: bytes) -> None:
        """Takes bytes as they come. Raises ``ValueError`` for what is no HTTP/2."""
        data = self._rest + data if self._rest else data
        at = 0
        if not self._preface_read:
            if len(data) < len(PREFACE):
                self._rest = data
                return
            if not data.startswith(PREFACE):
                raise ValueError("no HTTP/2 preface")
            at, self._preface_read = len(PREFACE), True
        end = len(data)
        unpack, size = _HEAD.unpack_from, _HEAD.size
        while at + size <= end:
            high, low, kind, flags, stream = unpack(data, at)
            length = high << 8 | low
            following = at + size + length
            if following > end:
                break
            if kind == DATA:
                self._received += length
                if self.keep and length:
                    self._keep_body(stream, flags, data[at + size : following])
                if flags & END_STREAM:
                    self._finish(stream)
            else:
                self._control(kind, flags, stream, data[at + size : following])
            at = following
        self._rest = data[at:]
        if self._received >= _REFILL:
            self.out.append(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self._received)))
            self._received = 0

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind in (HEADERS, CONTINUATION):
            if self.keep:
                block = _unpadded(flags, payload) if kind == HEADERS else payload
                self._blocks[stream] = self._blocks.get(stream, b"") + block
            if kind == HEADERS and flags & END_STREAM:
                self._ends.add(stream)
            if flags & END_HEADERS and stream in self._ends:
                self._ends.discard(stream)
                self._finish(stream)
        elif kind == SETTINGS and not flags & ACK:
            self.out.append(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.out.append(frame(PING, ACK, 0, payload))
        elif kind == RST_STREAM:
            self._ends.discard(stream)
            self._blocks.pop(stream, None)
            self._bodies.pop(stream, None)

    def _keep_body(self, stream: int, flags: int, payload: bytes) -> None:
        if flags & PADDED:
            payload = payload[1 : len(payload) - payload[0]]
        self._bodies[stream] = self._bodies.get(stream, b"") + payload

    def _finish(self, stream: int) -> None:
        self._arrived(stream, self._blocks.pop(stream, b""), self._bodies.pop(stream, b""))


def _unpadded(flags: int, payload: bytes) -> bytes:
    start, end = 0, len(payload)
    if flags & PADDED:
        start, end = 1, end - payload[0]
    if flags & PRIORITY:
        start += 5
    return payload[start:end]
