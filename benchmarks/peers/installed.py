"""Installs the other senders on demand, locked, apart from the product: under ``DATA_DIR``'s default, ``var/``."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.in_python import PEERS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / "var" / "benchmark-peers"
NAMES = ("pywebpush", "pywebpush-session", "pywebpush-async", "web-push", "webpush-rs")


class NotInstalledError(Exception):
    """This peer cannot be had here; the text says why."""


def command(name: str) -> list[str]:
    """How to start a peer; installs it first where needed. Raises ``NotInstalledError``."""
    if name in PEERS:
        return [str(_python()), "-m", "benchmarks.peers.in_python", name]
    return ["node", str(_node() / "web_push.mjs")]


def _python() -> Path:
    lock = HERE / "requirements.lock"
    python = FOLDER / "python" / "bin" / "python"
    if not _is_current(lock):
        uv = shutil.which(
            "uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        )
        if uv is None:
            raise NotInstalledError("uv is missing")
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, python.parent.parent])
        _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock])
        _mark(lock)
    return python


def _node() -> Path:
    folder, lock = FOLDER / "node", HERE / "package-lock.json"
    if not shutil.which("node") or not shutil.which("npm"):
        raise NotInstalledError("node or npm is missing")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "web_push.mjs", folder)
    if not _is_current(lock):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
        _mark(lock)
    return folder


def _is_current(lock: Path) -> bool:
    copy = FOLDER / lock.name
    return copy.exists() and copy.read_bytes() == lock.read_bytes()


def _mark(lock: Path) -> None:
    shutil.copy(lock, FOLDER / lock.name)


def _run(command: Sequence[str | Path], folder: Path = ROOT) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
        raise NotInstalledError(said[-1] if said else f"{command[0]} failed")
