"""Writes the outcomes of a batch down, in one transaction and a constant number of statements."""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from push.delivery import guard
from push.delivery.answers import Outcome
from push.delivery.outcomes import Runs, Sent, Verdict, decide
from push.delivery.recheck import Fate
from push.delivery.statements import (
    Columns,
    change,
    id_list,
    ids_query,
    moment,
    row_values,
    rows_query,
    run,
)
from push.models import Delivery, GoneEndpoint, Subscription

logger = logging.getLogger(__name__)

NEWS_AFTER = timedelta(minutes=5)
"""How exactly a subscription says when it was last delivered to: a row less to write for each push."""

_DELIVERY: Columns = {
    "pk": "bigint",
    "state": "text",
    "status": "smallint",
    "reason": "text",
    "detail": "text",
    "due_at": "timestamptz",
    "sent_at": "timestamptz",
    "accepted_at": "timestamptz",
    "accepted_ms": "integer",
    "location": "text",
    "apns_id": "text",
}
_SUBSCRIPTION: Columns = {
    "pk": "bigint",
    "last_error_at": "timestamptz",
    "last_error_status": "smallint",
    "last_error_reason": "text",
    "last_error_detail": "text",
}
_FATE: Columns = {"pk": "bigint", "state": "text", "reason": "text", "due_at": "timestamptz"}
_SLOWED: Columns = {"pk": "bigint", "due_at": "timestamptz"}

_SLOW_DOWN = """
UPDATE push_delivery AS target SET due_at = said.due_at
FROM ({said}) AS said
WHERE target.subscription_id = said.pk AND target.state = 'pending'
AND target.due_at < said.due_at
"""
# In the order of the ids, as every worker does it: none waits for another in a circle.
_SUCCESS = """
UPDATE push_subscription AS target
SET last_accepted_at = %s, last_error_at = NULL, last_error_status = NULL,
    last_error_reason = '', last_error_detail = '', refusals = 0
FROM ({ids}) AS said
WHERE target.id = said.id AND (
    target.last_accepted_at IS NULL OR target.last_accepted_at < %s
    OR target.last_error_at IS NOT NULL OR target.refusals > 0
    OR target.id IN ({witnesses})
)
"""
_STILL_MINE = "target.lease_owner = %s AND target.state IN ('sending', 'pending')"
_RELEASED = ", lease_until = NULL, lease_owner = ''"


def record(owner: str, batch: Sequence[Sent], runs: Runs, now: datetime) -> list[Sent]:
    """Moves each row on to what its answer means; returns what was still this owner's to say.

    A row whose lease lapsed counts until somebody else has claimed it.
    """
    with transaction.atomic():
        verdict = decide(batch, runs, now)
        rows = [_delivery_values(sent, verdict.fates[sent.row.id]) for sent in batch]
        moved = _update("push_delivery", _DELIVERY, rows, owner)
        ours = [sent for sent in batch if sent.row.id in moved]
        _slow_others_down(ours)
        _revive(verdict, now)
        _update_subscriptions(ours, verdict, now)
    for sent in ours:
        if sent.answer.outcome is not Outcome.ACCEPTED:
            _log(sent, verdict.fates[sent.row.id])
    return ours


def settle(owner: str, fates: Mapping[int, Fate]) -> None:
    """Moves claimed rows on that were not sent."""
    if fates:
        rows = [(pk, fate.state, fate.reason, fate.due_at) for pk, fate in fates.items()]
        _update("push_delivery", _FATE, rows, owner)


def _delivery_values(sent: Sent, fate: Fate) -> tuple[object, ...]:
    answer = sent.answer
    accepted = answer.outcome is Outcome.ACCEPTED
    return (
        sent.row.id,
        fate.state,
        answer.status,
        fate.reason,
        answer.detail,
        fate.due_at,
        sent.at - timedelta(milliseconds=sent.elapsed_ms),
        sent.at if accepted else None,
        sent.elapsed_ms if accepted else None,
        answer.location.replace("\x00", ""),
        answer.apns_id.replace("\x00", ""),
    )


def _update(
    table: str, columns: Columns, rows: Sequence[Sequence[object]], owner: str = ""
) -> set[int]:
    """One statement that gives each row its own values; with an owner, only rows that it holds.

    The ids that changed. A missing ``due_at`` leaves the old one.
    """
    if not rows:
        return set()
    names = list(columns)[1:]
    values = {name: f"said.{name}" for name in names}
    if "due_at" in values:
        values["due_at"] = "COALESCE(said.due_at, target.due_at)"
    assigned = ", ".join(f"{name} = {value}" for name, value in values.items())
    statement = (
        f"UPDATE {table} AS target SET {assigned}{_RELEASED if owner else ''} "  # noqa: S608
        f"FROM ({rows_query(columns)}) AS said WHERE target.id = said.pk"
        f"{f' AND {_STILL_MINE}' if owner else ''} RETURNING id"
    )
    changed = run(statement, [*row_values(columns, rows), *([owner] if owner else [])])
    return {row[0] for row in changed}


def _slow_others_down(batch: Sequence[Sent]) -> None:
    """A device's push service asked for a pause: what else waits for the device waits as well."""
    until: dict[int, datetime] = {}
    for sent in batch:
        pk, asked = sent.row.subscription_id, sent.answer.retry_after
        if asked and pk is not None and sent.answer.outcome is Outcome.SLOW_DOWN:
            until[pk] = sent.at + timedelta(seconds=asked)
    if until:
        said = row_values(_SLOWED, [*until.items()])
        change(_SLOW_DOWN.format(said=rows_query(_SLOWED)), said)


def _revive(verdict: Verdict, now: datetime) -> None:
    """Takes back what was said of devices when it turned out that they were not to blame."""
    for service, until in verdict.revived.items():
        ids = guard.gone_in_window(service, now)
        dead = Subscription.objects.filter(pk__in=ids)
        GoneEndpoint.objects.filter(endpoint_hash__in=dead.values("endpoint_hash")).delete()
        Delivery.objects.filter(
            subscription__in=ids, state=Delivery.State.GONE, expires_at__gt=until
        ).update(state=Delivery.State.PENDING, reason="mass_failure", due_at=until)
        dead.update(state=Subscription.State.ACTIVE, gone_at=None)
    for service, key_id in verdict.pardoned:
        blamed = guard.wrongly_blamed(service, key_id, now)
        Subscription.objects.filter(pk__in=blamed).update(state=Subscription.State.ACTIVE)
        refused = Subscription.objects.filter(service=service, key_id=key_id, refusals__gt=0)
        refused.update(refusals=0)


def _update_subscriptions(batch: Sequence[Sent], verdict: Verdict, now: datetime) -> None:
    last = {sent.row.subscription_id: sent for sent in batch if sent.row.subscription_id}
    accepted = [sent for sent in last.values() if sent.answer.outcome is Outcome.ACCEPTED]
    if len(accepted) < len(last) or verdict.gone:
        _update_failed(last, verdict, now)
    _note_success(accepted, now)


def _note_success(batch: Sequence[Sent], now: datetime) -> None:
    """Writes where it says something new, and one of each service and key: the guard looks for it."""
    if batch:
        ids = sorted(sent.row.subscription_id or 0 for sent in batch)
        witnesses = {
            (sent.row.service, sent.row.key_id): sent.row.subscription_id or 0 for sent in batch
        }
        query = ids_query()
        change(
            _SUCCESS.format(ids=query, witnesses=query),
            [moment(now), id_list(ids), moment(now - NEWS_AFTER), id_list(witnesses.values())],
        )


def _update_failed(last: Mapping[int, Sent], verdict: Verdict, now: datetime) -> None:
    failed = [sent for sent in last.values() if sent.answer.outcome is not Outcome.ACCEPTED]
    if connection.features.has_select_for_update:
        # In one order everywhere, or two workers wait for each other.
        rows = Subscription.objects.filter(pk__in=list(last)).select_for_update()
        list(rows.order_by("pk").values_list("pk"))
    _update("push_subscription", _SUBSCRIPTION, [_error_values(sent) for sent in failed])
    if verdict.refused:
        Subscription.objects.filter(pk__in=verdict.refused).update(refusals=F("refusals") + 1)
    _set_aside(verdict.stale)
    _bury(verdict.gone, now)


def _error_values(sent: Sent) -> tuple[object, ...]:
    answer = sent.answer
    return (sent.row.subscription_id, sent.at, answer.status, answer.reason, answer.detail)


def _set_aside(stale: Collection[int]) -> None:
    if stale:
        active = Subscription.objects.active().filter(pk__in=stale)
        active.update(state=Subscription.State.STALE)


def _bury(gone: Mapping[int, str], now: datetime) -> None:
    """Marks subscriptions gone and remembers their endpoints; ``tasks.prune`` deletes them later."""
    if gone:
        dead = Subscription.objects.filter(pk__in=gone).exclude(state=Subscription.State.GONE)
        dead.update(state=Subscription.State.GONE, gone_at=now)
        GoneEndpoint.objects.bulk_create(
            [GoneEndpoint(endpoint_hash=digest, gone_at=now) for digest in gone.values()],
            ignore_conflicts=True,
        )


def _log(sent: Sent, fate: Fate) -> None:
    waits = fate.state == Delivery.State.PENDING
    logger.log(
        logging.DEBUG if waits else logging.INFO,
        "%s %s: %s (%s, %s)",
        sent.row.service,
        sent.row.endpoint_hash[:8],
        fate.state,
        sent.answer.status or "no answer",
        fate.reason,
    )
