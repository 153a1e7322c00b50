"""``make serve`` without a Stripe key: a demo with secrets of its own, on this machine alone."""

import runpy
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from payments import gateway

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def serve() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "deploy" / "serve.py"))


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, True),
        ({"SITE_URL": "http://localhost:8001"}, True),
        ({"SITE_URL": "https://hub.example.org"}, False),
        ({"STRIPE_SECRET_KEY": "sk_test_x"}, False),
        ({"STRIPE_SECRET_KEY_FILE": "/run/key"}, False),
    ],
)
def test_the_demo_runs_where_there_is_no_key_and_nobody_from_outside(
    serve: dict[str, Any], environment: dict[str, str], wanted: bool
) -> None:
    assert serve["demo_is_wanted"](environment) is wanted


def test_its_secrets_are_made_once_for_their_owner_alone(
    serve: dict[str, Any], tmp_path: Path, settings: Any
) -> None:
    first = serve["demo_settings"](tmp_path / "var", 20000)
    assert serve["demo_settings"](tmp_path / "var", 20000) == first
    path = tmp_path / "var" / "demo-stripe.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings.STRIPE_SECRET_KEY = first["STRIPE_SECRET_KEY"]
    assert gateway.is_demo()
    assert not gateway.is_live()
    command = serve["demo_command"](first, 20000)
    assert "http://127.0.0.1:20000/webhooks/stripe" in command
    assert not any(
        first[name] in command for name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
    )


def test_it_takes_a_port_that_is_free(serve: dict[str, Any], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        base = serve["demo_settings"](tmp_path, port - 1)["STRIPE_API_BASE"]
    assert int(base.rpartition(":")[2]) > port
