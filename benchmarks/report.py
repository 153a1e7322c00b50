"""The figures of a comparison: medians over the rounds, ratios, shares of the limit, and the tables for people."""

import os
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.limit import CRYPTO_THEN, REQUEST_IN_C, limit_of

SENDER_GOALS = {
    "pywebpush": 24.0,
    "pywebpush-session": 7.0,
    "web-push": 6.5,
    "webpush-rs": 2.5,
}
OUTBOX_GOALS = {
    "pywebpush": 16.0,
    "pywebpush-session": 5.0,
    "web-push": 4.5,
    "webpush-rs": 1.7,
}
SHARE_GOALS = {"sender": 0.46, "outbox": 0.32}

type Round = Mapping[str, float]
type Figures = dict[str, float]


def figures(rounds: Sequence[Round]) -> Figures:
    """Medians: CPU in microseconds per message, latency in milliseconds, memory in megabytes (its peak)."""

    def middle(name: str, scale: float = 1.0) -> float:
        return statistics.median(each[name] / each["messages"] * scale for each in rounds)

    found = {
        "cpu_us": middle("cpu", 1e6),
        "messages_per_second": 1 / middle("seconds"),
        "messages_per_core_second": 1 / middle("cpu"),
        "peak_mb": max(each["peak_mb"] for each in rounds),
        "p50_ms": statistics.median(each["p50"] for each in rounds),
        "p99_ms": statistics.median(each["p99"] for each in rounds),
    }
    if "worker_cpu" in rounds[0]:
        found["worker_us"] = middle("worker_cpu", 1e6)
        found["database_us"] = middle("database_cpu", 1e6)
    return found


def summary(
    rounds: Mapping[str, Sequence[Round]], crypto: Sequence[float]
) -> dict[str, dict[str, Any] | float]:
    """What ``--json`` gives. ``crypto`` is microseconds of the limit's measured part, one a round."""
    ours = {name: figures(rounds[name]) for name in ("sender", "outbox") if name in rounds}
    peers = {name: figures(each) for name, each in rounds.items() if name not in ours}
    limit = limit_of(statistics.median(crypto))
    return {
        "ours": ours,
        "peers": peers,
        "ratios": {name: each["cpu_us"] / ours["sender"]["cpu_us"] for name, each in peers.items()},
        "limit_us": limit,
        "limit_share": {name: limit / each["cpu_us"] for name, each in {**ours, **peers}.items()},
    }


def show(found: Mapping[str, Any], parts: Mapping[str, float]) -> None:
    """Prints the tables: every sender, and the goals beside what was reached."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\nMedians of the rounds; load average of the machine {load}.\n")
    print(
        "| sender | messages/s | CPU µs/message | share of the limit | peak MB | p50 ms | p99 ms |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, each in {**found["ours"], **found["peers"]}.items():
        share = found["limit_share"][name]
        print(
            f"| {name} | {each['messages_per_second']:,.0f} | {each['cpu_us']:,.0f} | {share:.1%} "
            f"| {each['peak_mb']:.0f} | {each['p50_ms']:.1f} | {each['p99_ms']:.1f} |"
        )
    outbox = found["ours"].get("outbox")
    if outbox:
        print(
            f"\nOf the outbox's {outbox['cpu_us']:.0f} µs, {outbox['worker_us']:.0f} are the worker's "
            f"and {outbox['database_us']:.0f} PostgreSQL's."
        )
    _show_goals(found)
    _show_limit(found["limit_us"], parts)


def _show_goals(found: Mapping[str, Any]) -> None:
    ours, peers, shares = found["ours"], found["peers"], found["limit_share"]
    print("\n| against | sender | goal | outbox | goal |\n|---|---|---|---|---|")
    for name, peer in peers.items():
        cells = [
            cell
            for sender, goals in (("sender", SENDER_GOALS), ("outbox", OUTBOX_GOALS))
            for cell in (
                f"{peer['cpu_us'] / ours[sender]['cpu_us']:.1f}×" if sender in ours else "–",
                f"{goals[name]}×" if name in goals else "–",
            )
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    reached = [
        cell
        for name, goal in SHARE_GOALS.items()
        for cell in (f"{shares[name]:.0%}" if name in shares else "–", f"{goal:.0%}")
    ]
    print(f"| the physical limit | {' | '.join(reached)} |")


def _show_limit(limit: float, parts: Mapping[str, float]) -> None:
    crypto = limit / (1 + REQUEST_IN_C / CRYPTO_THEN)
    named = ", ".join(f"{name} {microseconds:.1f}" for name, microseconds in parts.items())
    print(
        f"\nThe limit is {limit:.1f} µs. Measured in this run: {crypto:.1f} of crypto at OpenSSL's lowest "
        f"level ({named}).\nTaken from an earlier measurement: {REQUEST_IN_C:.0f} µs for a request in C where "
        f"the crypto took {CRYPTO_THEN:.0f}, scaled to {limit - crypto:.1f}."
    )
