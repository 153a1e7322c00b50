"""Sinks as processes: our own, and nginx where it is installed."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.certificates import Certificates, make
from benchmarks.installation import ROOT
from tests.fixtures.postgresql import free_port

_NGINX = """\
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
    fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    client_body_buffer_size 16k; keepalive_requests 100000000; keepalive_timeout 1h;
    http2_max_concurrent_streams 100;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {certificates.certificate}; ssl_certificate_key {certificates.key};
        ssl_protocols TLSv1.3;
        location / {{ return 201; }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Sink:
    """A running sink: its origin, its process and whom clients must trust."""

    url: str
    certificates: Certificates
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        """``localhost:port``, for ``WEBPUSH_EXTRA_HOSTS``."""
        return self.url.removeprefix("https://")

    def count(self) -> int:
        """Requests that have arrived (our own sink's only)."""
        return int(self._ask("/count"))

    def kept(self) -> list[dict[str, Any]]:
        """The first requests: version, headers and body in base64 (our own sink's only)."""
        return list(self._ask("/kept"))

    def _ask(self, path: str) -> Any:
        context = ssl.create_default_context(cafile=str(self.certificates.authority))
        handler = urllib.request.HTTPSHandler(context=context)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
        with opener.open(self.url + path, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def running(
    *, delay: float = 0.0, status: int = 201, keep: int = 0, nginx: bool = False,
    core: int | None = None, certificates: Certificates | None = None,
) -> Iterator[Sink]:  # fmt: skip
    """Starts a sink on a free port, on one core if given; it ends with the block.

    ``delay`` in seconds, negative for a service that never answers. Several sinks can share ``certificates``.
    """
    with tempfile.TemporaryDirectory(prefix="fastlinkit-sink-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = certificates or make(folder)
        if nginx:
            process, url = _nginx(folder, made)
        else:
            process, url = _own(made, delay, status, keep)
        try:
            if core is not None:
                for task in [process.pid, *_children(process.pid)]:
                    os.sched_setaffinity(task, {core})
            yield Sink(url, made, process)
        finally:
            process.terminate()
            process.wait()


def _own(
    certificates: Certificates, delay: float, status: int, keep: int
) -> tuple[subprocess.Popen[bytes], str]:
    numbers = ["--delay", str(delay), "--status", str(status), "--keep", str(keep)]
    folder = str(certificates.authority.parent)
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sink", "--certificates", folder, *numbers],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    if not line:
        raise SystemExit("The sink does not start.")
    return process, line.split()[0]


def _nginx(folder: Path, certificates: Certificates) -> tuple[subprocess.Popen[bytes], str]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SystemExit("nginx is not installed.")
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, port=port, certificates=certificates))
    process = subprocess.Popen([program, "-c", configuration, "-e", folder / "error.log"])
    url = f"https://localhost:{port}"
    context = ssl.create_default_context(cafile=str(certificates.authority))
    for _try in range(100):
        try:
            urllib.request.urlopen(url, timeout=1, context=context).close()
            return process, url
        except urllib.error.URLError:
            time.sleep(0.05)
    process.terminate()
    raise SystemExit("nginx does not start.")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
