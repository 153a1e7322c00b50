"""A server on loopback that says exactly the bytes a test wants it to say, and notes what it heard."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field


@dataclass
class Heard:
    """One request as it came in; header names are lower-case."""

    line: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Heard], "bytes | Iterable[bytes]"]


def answer(status: int = 201, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def connections(listener: socket.socket) -> Iterator[socket.socket]:
    """What comes in, until ``hang_up``."""
    while True:
        try:
            connection, _address = listener.accept()
        except OSError:
            return
        yield connection


def hang_up(sockets: Iterable[socket.socket], threads: Iterable[threading.Thread]) -> None:
    """Ends a server: its threads' sockets first, on which they wait."""
    for each in sockets:
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other end was quicker, or it never listened
            pass
        each.close()
    for thread in threads:
        thread.join(5)


@dataclass
class RawServer:
    """Threads on blocking sockets. ``script`` gives the answer to a request as bytes or in pieces.

    A piece that is ``RESET`` ends the connection with RST; ``STALL`` waits until the test is over.
    """

    script: Script = lambda _heard: answer()
    context: ssl.SSLContext | None = None
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    RESET = b"\0reset"
    STALL = b"\0stall"

    def __enter__(self) -> "RawServer":
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.sockets: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        hang_up([self.listener, *self.sockets], self.threads)

    def url(self, path: str = "/push/token") -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}{path}"

    def _accept(self) -> None:
        for connection in connections(self.listener):
            self.connections += 1
            self.sockets.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while (heard := _read(stream)) is not None:
                    self.heard.append(heard)
                    said = self.script(heard)
                    for piece in [said] if isinstance(said, bytes) else said:
                        if piece == self.RESET:
                            linger = struct.pack("ii", 1, 0)
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                            return
                        if piece == self.STALL:
                            self.over.wait(30)
                            return
                        connection.sendall(piece)
        except OSError:
            pass


def _read(stream: "socket.SocketIO | object") -> Heard | None:
    line = stream.readline().decode("latin-1").rstrip()  # type: ignore[union-attr]
    if not line:
        return None
    headers = {}
    while text := stream.readline().decode("latin-1").rstrip():  # type: ignore[union-attr]
        name, _colon, value = text.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))  # type: ignore[union-attr]
    return Heard(line, headers, body)
