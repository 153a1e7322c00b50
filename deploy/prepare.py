"""Brings database and static files to the state of this checkout; does nothing where they are."""

import hashlib
import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line
from django.db import OperationalError

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or ROOT / "var")
COLLECTED = DATA_DIR / ".collected-static"


def static_state() -> str:
    """Changes when a static file, an installed package or the way of collecting may have."""
    state = hashlib.sha256()
    for path in sorted((ROOT / "static").rglob("*")):
        if path.is_file():
            status = path.stat()
            state.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    for name in ("requirements.lock", "fastlinkit/settings.py", "fastlinkit/finders.py"):
        state.update((ROOT / name).read_bytes())
    return state.hexdigest()


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fastlinkit.settings")
    try:
        execute_from_command_line(["manage.py", "migrate", "--no-input", "--verbosity=0"])
    except OperationalError as error:
        sys.exit(f"The database cannot be used: {error}\nIs it running, and is DATABASE_URL right?")
    execute_from_command_line(["manage.py", "createcachetable", "--verbosity=0"])
    state = static_state()
    is_collected = (DATA_DIR / "static" / "staticfiles.json").exists()
    if not is_collected or not COLLECTED.exists() or COLLECTED.read_text() != state:
        execute_from_command_line(["manage.py", "collectstatic", "--no-input", "--verbosity=0"])
        COLLECTED.write_text(state)


if __name__ == "__main__":
    main()
