"""A server that speaks HTTP/2 frame by frame (RFC 9113), so that a test can say what each one is."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable

from tests.push.raw_server import connections, hang_up

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM = 0, 2, 7, 11

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """RFC 9113 §4.1."""
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def created(stream: int) -> bytes:
    """201 and no body; the name ``:status`` is number 8 of HPACK's static table (RFC 7541 §B)."""
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x08\x03201")


def reset(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last_stream: int, code: int = NO_ERROR) -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last_stream, code))


Reply = Callable[[int, int], "bytes | None"]


class Http2Server:
    """``reply(request, stream)`` gives the frames for a whole request (``None``: hang up).

    Requests are counted from 1 over all connections; ``stream`` is the stream's number.
    """

    def __init__(self, context: ssl.SSLContext, reply: Reply) -> None:
        self.context = context
        self.context.set_alpn_protocols(["h2"])
        self.reply = reply
        self.requests = 0
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def __enter__(self) -> "Http2Server":
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}/push/token"
        self._start(self._accept)
        return self

    def __exit__(self, *_error: object) -> None:
        hang_up([self.listener, *self._sockets], self._threads)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        for connection in connections(self.listener):
            self.connections += 1
            self._sockets.append(connection)
            self._start(self._serve, connection)

    def _serve(self, raw: socket.socket) -> None:
        try:
            with self.context.wrap_socket(raw, server_side=True) as connection:
                self._sockets.append(connection)
                stream = connection.makefile("rb")
                assert stream.read(len(_PREFACE)) == _PREFACE
                connection.sendall(frame(SETTINGS, 0, 0))
                while head := stream.read(9):
                    length = int.from_bytes(head[:3], "big")
                    kind, flags, number = struct.unpack(">BBI", head[3:])
                    stream.read(length)
                    answer = self._answer(kind, flags, number)
                    if answer is None:
                        return
                    connection.sendall(answer)
        except OSError:
            pass

    def _answer(self, kind: int, flags: int, stream: int) -> bytes | None:
        if kind == SETTINGS and not flags & ACK:
            return frame(SETTINGS, ACK, 0)
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            with self._lock:
                self.requests += 1
                number = self.requests
            return self.reply(number, stream)
        return b""
