"""The sender over TLS: HTTP/2 with many streams, certificates, proxies."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest

from push.delivery.answers import Outcome
from push.delivery.connection import MAX_CONNECTIONS, certificate_bundle
from push.delivery.sender import Sender
from tests.push.forwarder import copy_bytes
from tests.push.raw_server import RawServer
from tests.push.sending import finish, keys, message, send
from tests.push.tls import certificate, server_context, trusted

__all__ = ["certificate", "keys", "trusted"]

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
  log_format line '$server_protocol $connection $request_uri';
  access_log {folder}/access.log line;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} ssl {http2}; keepalive_requests {requests};
    http2_max_concurrent_streams 100;
    ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ return 201; }}
  }}
}}
"""


class Nginx:
    """A real HTTP/2 server that says 201 to everything and notes protocol and connection."""

    def __init__(self, folder: Path, http2: bool, requests: int) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        text = CONFIGURATION.format(
            folder=folder, port=self.port, http2="http2" if http2 else "", requests=requests
        )
        (folder / "nginx.conf").write_text(text)

    def __enter__(self) -> "Nginx":
        assert NGINX is not None
        command = [NGINX, "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/error.log"]
        self.process = subprocess.Popen(command)
        for _attempt in range(2000):
            if self.process.poll() is not None:
                pytest.fail((self.folder / "error.log").read_text())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except ConnectionRefusedError:
                os.sched_yield()
                self.wait_a_little()
        pytest.fail("nginx did not start")

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(10)

    def signal_workers(self, number: int) -> None:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for child in children.split():
            os.kill(int(child), number)

    def wait_a_little(self) -> None:
        threading.Event().wait(0.005)

    def url(self, number: int) -> str:
        return f"https://127.0.0.1:{self.port}/{number}"

    def heard(self) -> Counter[tuple[str, str]]:
        """Requests for each (protocol, connection)."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return Counter((line.split()[0], line.split()[1]) for line in lines)


@pytest.fixture
def nginx_folder(trusted: Path, tmp_path: Path) -> Path:
    if NGINX is None:
        missing = "nginx is not installed: HTTP/2 is not tested (Debian: apt-get install nginx)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    for name in ("certificate.pem", "key.pem"):
        shutil.copy(trusted / name, tmp_path)
    tmp_path.chmod(0o755)
    return tmp_path


def test_many_messages_share_few_http_2_connections(nginx_folder: Path) -> None:
    with Nginx(nginx_folder, http2=True, requests=100_000) as nginx, Sender() as sender:
        sender.submit(message(nginx.url(number), number) for number in range(400))
        results = finish(sender)
        sender.submit(message(nginx.url(number), number) for number in range(100))
        results += finish(sender)
        assert sender.slots("fcm") > MAX_CONNECTIONS
    assert {result.answer.outcome for result in results} == {Outcome.ACCEPTED}
    assert len(results) == 500
    heard = nginx.heard()
    assert {protocol for protocol, _connection in heard} == {"HTTP/2.0"}
    assert sum(heard.values()) == 500
    assert len(heard) <= 10


def test_what_a_goaway_cuts_off_can_be_sent_again(nginx_folder: Path) -> None:
    accepted: set[int] = set()
    with Nginx(nginx_folder, http2=True, requests=7) as nginx, Sender() as sender:
        for _round in range(20):
            missing = set(range(100)) - accepted
            sender.submit(message(nginx.url(number), number) for number in missing)
            results = finish(sender)
            assert {result.message.id for result in results} == missing
            outcomes = {result.answer.outcome for result in results}
            assert outcomes <= {Outcome.ACCEPTED, Outcome.NETWORK}
            accepted |= {
                result.message.id for result in results if result.answer.outcome is Outcome.ACCEPTED
            }
    assert len(accepted) == 100


def test_a_connection_on_which_a_message_timed_out_gets_no_more(nginx_folder: Path) -> None:
    with (
        Nginx(nginx_folder, http2=True, requests=100) as nginx,
        Sender(total_timeout=0.5) as sender,
    ):
        said = []
        for number, signal_after in ((1, signal.SIGSTOP), (2, signal.SIGCONT), (3, None)):
            sender.submit([message(nginx.url(number), number)])
            said += [result.answer.reason for result in finish(sender)]
            if signal_after:
                nginx.signal_workers(signal_after)
    assert said == ["", "timeout", ""]
    lines = [line.split() for line in (nginx_folder / "access.log").read_text().splitlines()]
    connections = {path: connection for _protocol, connection, path in lines}
    assert connections["/3"] != connections["/1"]


def test_without_http_2_connections_are_kept(nginx_folder: Path) -> None:
    with Nginx(nginx_folder, http2=False, requests=100_000) as nginx:
        results = send(*(message(nginx.url(number), number) for number in range(100)))
    assert {result.answer.outcome for result in results} == {Outcome.ACCEPTED}
    heard = nginx.heard()
    assert {protocol for protocol, _connection in heard} == {"HTTP/1.1"}
    assert len(heard) <= MAX_CONNECTIONS


def test_an_unknown_certificate_is_refused_and_nothing_is_sent(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with RawServer(context=server_context(certificate)) as server:
        (result,) = send(message(server.url()))
    assert (result.answer.outcome, result.answer.reason) == (Outcome.NETWORK, "tls")
    assert server.heard == []


def test_plain_http_where_tls_should_be_is_a_tls_outcome(trusted: Path) -> None:
    with RawServer() as server:
        (result,) = send(message(server.url().replace("http:", "https:")), total_timeout=0.3)
    assert result.answer.outcome is Outcome.NETWORK


def test_the_certificate_bundle_is_that_of_the_environment_else_of_the_system(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert certificate_bundle() == str(trusted / "certificate.pem")
    monkeypatch.delenv("SSL_CERT_FILE")
    assert "BEGIN CERTIFICATE" in Path(certificate_bundle()).read_text(errors="replace")


class Proxy:
    """An HTTP proxy that knows CONNECT: it joins two sockets, or refuses with a status."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[str] = []

    def __enter__(self) -> "Proxy":
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.listener.close()
        self.thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        connection, _address = self.listener.accept()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        self.asked.append(head.split(b"\r\n")[0].decode())
        connection.sendall(f"HTTP/1.1 {self.status} Said\r\nX-Proxy: 1\r\n\r\n".encode())
        if self.status == 200:
            host, port = head.split()[1].decode().rsplit(":", 1)
            other = socket.create_connection((host, int(port)))
            back = threading.Thread(target=copy_bytes, args=(other, connection), daemon=True)
            back.start()
            copy_bytes(connection, other)
            other.close()
        connection.close()


def test_https_goes_through_the_proxy_of_the_environment(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(context=server_context(trusted)) as server, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        (result,) = send(message(server.url()))
    assert proxy.asked == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]
    assert result.answer.outcome is Outcome.ACCEPTED
    assert len(server.heard) == 1


def test_the_proxy_s_own_answer_is_not_taken_for_the_service_s(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = server_context(trusted)
    with RawServer(lambda _heard: [RawServer.STALL], context) as server, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        (result,) = send(message(server.url()), total_timeout=0.5)
    assert (result.answer.outcome, result.answer.reason) == (Outcome.NETWORK, "timeout")


@pytest.mark.parametrize("status", [403, 404, 410, 502])
def test_a_proxy_that_refuses_is_a_network_outcome(
    trusted: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with Proxy(status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        (result,) = send(message("https://127.0.0.1:9/x"))
    assert (result.answer.outcome, result.answer.reason) == (Outcome.NETWORK, "proxy")


def test_plain_http_on_loopback_never_goes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with RawServer() as server:
        (result,) = send(message(server.url()))
    assert result.answer.outcome is Outcome.ACCEPTED
