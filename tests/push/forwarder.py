"""A server that comes later: a port that nobody listens on until it is opened."""

import socket
import threading
from types import TracebackType
from typing import Self

from tests.push.raw_server import connections, hang_up


class Forwarder:
    """Joins each connection to ``port`` with one to ``target``, once it is open."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))  # until it listens, connections are refused
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        hang_up([self._listener], [])

    def open(self) -> None:
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        for near in connections(self._listener):
            far = socket.create_connection(self.target)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=copy_bytes, args=(source, sink), daemon=True).start()


def copy_bytes(source: socket.socket, sink: socket.socket) -> None:
    """Until either end hangs up."""
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
