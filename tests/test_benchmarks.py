"""The benchmarks still run: the sink answers and keeps, and a tiny comparison gives the figures that it promises."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pycurl
import pytest

from benchmarks.limit import limit_of
from benchmarks.sinks import Sink, running

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with running(keep=3) as started:
        yield started


def post(sink: Sink, path: str, body: bytes, version: int) -> tuple[int, int]:
    """Status and HTTP version of the answer."""
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, sink.url + path)
    handle.setopt(pycurl.CAINFO, str(sink.certificates.authority))
    handle.setopt(pycurl.HTTP_VERSION, version)
    handle.setopt(pycurl.POSTFIELDS, body)
    handle.setopt(pycurl.HTTPHEADER, ["TTL: 60", "Authorization: vapid t=" + "x" * 300])
    handle.setopt(pycurl.NOPROXY, "*")
    handle.setopt(pycurl.TIMEOUT, 10)
    handle.perform()
    found = handle.getinfo(pycurl.RESPONSE_CODE), handle.getinfo(pycurl.INFO_HTTP_VERSION)
    handle.close()
    return found


def test_the_sink_keeps_what_it_gets_over_both_versions_of_http(sink: Sink) -> None:
    two, one = pycurl.CURL_HTTP_VERSION_2TLS, pycurl.CURL_HTTP_VERSION_1_1
    body = os.urandom(40_000)  # several frames
    before = sink.count()
    assert post(sink, "/push/1", body, two) == (201, pycurl.CURL_HTTP_VERSION_2_0)
    assert post(sink, "/push/2", b"short", one) == (201, pycurl.CURL_HTTP_VERSION_1_1)
    assert sink.count() == before + 2
    kept = [
        (each["version"], each["headers"][":path"], each["headers"]["ttl"]) for each in sink.kept()
    ]
    assert kept == [("2", "/push/1", "60"), ("1.1", "/push/2", "60")]
    assert [base64.b64decode(each["body"]) for each in sink.kept()] == [body, b"short"]


def test_the_limit_scales_the_request_with_the_crypto() -> None:
    assert limit_of(54.0) == pytest.approx(65.0)
    assert limit_of(108.0) == pytest.approx(130.0)


def test_a_comparison_gives_the_figures_that_it_promises() -> None:
    arguments = ["--peers", "--no-outbox", "--json"]
    sizes = ["--subscriptions", "3", "--rounds", "1", "--messages", "20"]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.send", *arguments, *sizes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert "sender: 3 messages decrypted and verified, HTTP/2." in run.stderr
    found = json.loads(run.stdout)
    assert set(found) == {"ours", "peers", "ratios", "limit_us", "limit_share"}
    sender = found["ours"]["sender"]
    assert {"cpu_us", "messages_per_second", "peak_mb", "p50_ms", "p99_ms"} <= set(sender)
    assert all(value > 0 for value in sender.values())
    assert found["limit_share"]["sender"] == pytest.approx(found["limit_us"] / sender["cpu_us"])
