"""A push service that takes everything: TLS, HTTP/2 by ALPN with 100 streams, HTTP/1.1 keep-alive.

    python -m benchmarks.sink --port 0 --delay 0.1 --status 201 --keep 500

It runs as a process of its own, makes a certificate authority for the run and says where it is. Over HTTP/1.1,
GET /count answers how many requests arrived, and GET /kept gives the first of them as JSON.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.certificates import Certificates, make
from benchmarks.http2 import END_HEADERS, END_STREAM, HEADERS, Connection, answer_block, frame

type Decode = Callable[[bytes], list[tuple[str, str]]]


@dataclass
class Service:
    """What the sink answers, after how many seconds (negative: never), and what it has seen."""

    status: int = 201
    delay: float = 0.0
    keep: int = 0
    count: int = 0
    location: str = "https://localhost/message/1"
    kept: list[dict[str, object]] = field(default_factory=list)

    def record(self, headers: dict[str, str], body: bytes, version: str) -> None:
        text = base64.b64encode(body).decode()
        self.kept.append({"version": version, "headers": headers, "body": text})

    @property
    def wants_more(self) -> bool:
        return len(self.kept) < self.keep


class Client(asyncio.Protocol):
    """One connection, in whichever version of HTTP its handshake chose."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.decode = _decoder() if service.wants_more else None
        self.http2: Connection | None = None
        self.rest = b""
        self.answers: list[bytes] = []
        self.block = answer_block(service.status, service.location)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            self.http2 = Connection(self._arrived, keep=self.decode is not None)
            transport.writelines(self.http2.out)
            self.http2.out.clear()

    def data_received(self, data: bytes) -> None:
        try:
            if self.http2:
                self.http2.receive(data)
                if self.http2.out:
                    self.transport.write(b"".join(self.http2.out))
                    self.http2.out.clear()
            else:
                self.rest = self._read_http1(self.rest + data)
        except (ValueError, KeyError):
            self.transport.close()
            return
        if self.answers:
            answers, self.answers = b"".join(self.answers), []
            self._answer(answers)

    def _answer(self, answers: bytes) -> None:
        delay = self.service.delay
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self.transport.write, answers)
        elif not delay:
            self.transport.write(answers)

    def _arrived(self, stream: int, block: bytes, body: bytes) -> None:
        service = self.service
        service.count += 1
        self.answers.append(frame(HEADERS, END_STREAM | END_HEADERS, stream, self.block))
        if self.decode is not None and self.http2 is not None:
            if service.wants_more:
                service.record(dict(self.decode(block)), body, "2")
            else:  # HPACK is read from a connection's beginning without a gap, or no more.
                self.http2.keep = False
                self.decode = None

    def _read_http1(self, data: bytes) -> bytes:
        """Takes the whole requests at the beginning of ``data``; what remains."""
        while (end := data.find(b"\r\n\r\n")) >= 0:
            first, *lines = data[:end].decode("latin-1").split("\r\n")
            method, path, _version = first.split(" ")
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _colon, value in pairs}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(data) < whole:
                break
            if method == "GET":
                self._tell(path)
            else:
                self._take_http1(path, headers, data[end + 4 : whole])
            data = data[whole:]
        return data

    def _take_http1(self, path: str, headers: dict[str, str], body: bytes) -> None:
        service = self.service
        service.count += 1
        if service.wants_more:
            service.record({**headers, ":path": path}, body, "1.1")
        lines = f"HTTP/1.1 {service.status} Created\r\nlocation: {service.location}\r\n"
        self.answers.append((lines + "content-length: 0\r\n\r\n").encode())

    def _tell(self, path: str) -> None:
        found = {"/count": self.service.count, "/kept": self.service.kept}[path]
        body = json.dumps(found).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def _decoder() -> Decode:
    from hpack import Decoder

    decoder = Decoder()
    return lambda block: [(str(name), str(value)) for name, value in decoder.decode(block)]


async def serve(service: Service, port: int, certificates: Certificates) -> None:
    """Answers until the process ends; says its address in one line."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Client(service), "127.0.0.1", port, ssl=context, backlog=1024
    )
    address = server.sockets[0].getsockname()
    print(f"https://localhost:{address[1]} trusted by {certificates.authority}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds; negative: no answer")
    parser.add_argument("--status", type=int, default=201)
    parser.add_argument("--keep", type=int, default=0, help="requests that GET /kept shows")
    parser.add_argument("--certificates", type=Path, help="a folder; else a temporary one")
    options = parser.parse_args()
    service = Service(options.status, options.delay, options.keep)
    with contextlib.ExitStack() as stack:
        folder = options.certificates or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="fastlinkit-sink-"))
        )
        stack.enter_context(contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError))
        made = Certificates.of(folder) if options.certificates else make(folder)
        asyncio.run(serve(service, options.port, made))


if __name__ == "__main__":
    main()
