"""A small SMTP server on loopback (RFC 5321), told by the test what to answer."""

import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any


@dataclass
class Delivered:
    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def mail(self) -> Message:
        return message_from_bytes(self.raw, policy=default)


@dataclass
class Orders:
    """What the server says to the next mails: a line for RCPT or for the end of DATA, or it hangs up there."""

    rcpt: str = "250 OK"
    data: str = "250 taken"
    hang_up: bool = False


class Handler(socketserver.StreamRequestHandler):
    server: Any

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.say("220 loopback ready")
        sender, recipients = "", []
        while line := self.rfile.readline().decode("latin-1").strip():
            verb = line.split(" ")[0].upper()
            orders: Orders = self.server.orders
            if verb in ("EHLO", "HELO", "RSET", "NOOP"):
                recipients = []
                self.say("250 loopback")
            elif verb == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
                self.say("250 OK")
            elif verb == "RCPT":
                recipients.append(line.partition("<")[2].partition(">")[0])
                self.say(orders.rcpt)
            elif verb == "DATA":
                self.say("354 go on")
                raw = b""
                while (piece := self.rfile.readline()) not in (b".\r\n", b""):
                    raw += piece.removeprefix(b".") if piece.startswith(b"..") else piece
                if orders.data.startswith("2"):
                    self.server.delivered.append(Delivered(sender, recipients, raw))
                if orders.hang_up:
                    return
                self.say(orders.data)
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 unknown")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@dataclass
class MailServer:
    orders: Orders = field(default_factory=Orders)
    delivered: list[Delivered] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> "MailServer":
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.orders = self.orders  # type: ignore[attr-defined]
        self.server.delivered = self.delivered  # type: ignore[attr-defined]
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
