"""The circuit breaker of each push service, in the database so that all workers see it.

Closed: no reason. Open: ``open_until`` lies ahead, nothing is sent. Half open: it has passed, a few
rows try whether the service works; the first success closes, the next trouble opens for twice as long.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from push import signals
from push.delivery.statements import read_moment, run
from push.models import ServiceState

logger = logging.getLogger(__name__)

_NOT_CLOSED = "SELECT service, open_until, reason FROM push_servicestate WHERE reason <> ''"

PROBES = 2
"""Rows that each worker may send to a service whose breaker is half open."""

MASS_FAILURE = "mass_failure"


@dataclass(frozen=True, slots=True)
class Pause:
    """How long a breaker stays open at first and at most, and at which opening admins hear of it."""

    first: timedelta
    longest: timedelta
    alarm_at: int


FAULT = Pause(timedelta(minutes=1), timedelta(minutes=15), alarm_at=1)
"""This server is to blame: its key, subject or clock. People must act."""

TROUBLE = Pause(timedelta(seconds=15), timedelta(minutes=5), alarm_at=5)
"""The service or the way to it is down. It mostly mends itself: people hear of it after some minutes."""


def states(services: set[str]) -> dict[str, ServiceState]:
    """The breakers that are not closed: their reason, and until when they are open."""
    return {
        service: ServiceState(service, read_moment(until) if until else None, None, reason)
        for service, until, reason in run(_NOT_CLOSED, [])
        if service in services
    }


def lock(service: str) -> None:
    """Makes decisions about one service wait for each other; inside a transaction.

    SQLite needs none: its transactions here begin with the write lock.
    """
    ServiceState.objects.bulk_create([ServiceState(service=service)], ignore_conflicts=True)
    if connection.features.has_select_for_update:
        ServiceState.objects.select_for_update().get(service=service)


def open_breaker(
    service: str, pause: Pause, now: datetime, *, reason: str, detail: str = ""
) -> datetime:
    """Stops sending to a service; returns until when. One that is open already stays as it is.

    ``push.signals.service_paused`` is sent once while the trouble lasts.
    """
    with transaction.atomic():
        lock(service)
        state = ServiceState.objects.get(service=service)
        if state.open_until and state.open_until > now and state.reason != "slow_down":
            return state.open_until
        state.failures += 1
        length = min(pause.first * 2 ** min(state.failures - 1, 10), pause.longest)
        state.open_until = now + length
        state.opened_at = state.opened_at or now
        state.reason, state.detail = reason, detail
        state.save()
        if state.failures == pause.alarm_at:
            signals.service_paused.send_robust(
                sender=ServiceState, subject=state, actor=None, device=None
            )
    logger.warning("%s is paused for %d s: %s", service, length.total_seconds(), reason)
    return state.open_until


def pause_until(service: str, until: datetime, now: datetime, reason: str) -> None:
    """Leaves a service alone that asked for it. Nobody is alarmed."""
    with transaction.atomic():
        lock(service)
        changed = (
            ServiceState.objects.filter(service=service)
            .filter(Q(open_until=None) | Q(open_until__lt=until))
            .filter(reason__in=("", "slow_down", "too_many_tokens"))
            .update(open_until=until, opened_at=now, reason=reason)
        )
    if changed:
        logger.info("%s asks for a pause of %d s", service, (until - now).total_seconds())


def close(service: str, now: datetime) -> bool:
    """The service works again, so a half-open breaker closes; True when there was one."""
    half_open = ServiceState.objects.filter(service=service, open_until__lte=now)
    if _reset(half_open):
        logger.info("%s works again", service)
        return True
    return False


def resume(service: str) -> bool:
    """A person says that the service works again, whatever the breaker says."""
    return _reset(ServiceState.objects.filter(service=service))


def _reset(states: QuerySet[ServiceState]) -> bool:
    closed = states.exclude(reason="").update(
        open_until=None, opened_at=None, reason="", detail="", failures=0
    )
    return bool(closed)
