"""By hand: `python -m tests.fake_stripe --port 8701 --webhook URL --secret whsec_…`."""

import argparse
import os
import signal
import sys

from tests.fake_stripe import FakeStripe


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fake_stripe",
        description="A pretend Stripe. No money moves.",
        epilog="Admin paths, all POST: /_admin/sessions/ID/{pay,expire,tamper,arrive,fail} (JSON),"
        ' /_admin/events/ID/replay, /_admin/delay {"seconds": 2}.',
    )
    parser.add_argument("--port", type=int, default=8701)
    parser.add_argument("--webhook", default="", metavar="URL", help="where events are posted to")
    parser.add_argument("--secret", default=os.environ.get("STRIPE_WEBHOOK_SECRET") or "whsec_fake")
    parser.add_argument("--key", default=os.environ.get("STRIPE_SECRET_KEY") or "sk_test_fake")
    given = parser.parse_args()
    fake = FakeStripe(
        given.port,
        webhook=given.webhook,
        secret=given.secret.partition(",")[0],
        key=given.key,
        pauses=(1, 2, 4, 8, 15, 30, 60, 120, 300),
    )
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    print(f"A pretend Stripe answers at {fake.url}; no money moves.", flush=True)
    try:
        fake.serve()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
