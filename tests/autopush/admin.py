"""The push service by hand: its log and its misbehaviour, over HTTP and in JSON."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from tests.autopush.http import Request, response
from tests.autopush.store import Channel, Fault, Store
from tests.autopush.subscriber import Subscriber
from tests.autopush.validation import decode, encode

HELP = """\
by hand:
  GET  /log              requests so far: headers, body (base64url), the answer, what was wrong
  GET  /subscriptions    who is subscribed, and who has gone
  POST /subscriptions    {"key": "BASE64URL"}  a subscriber without a browser; key may be left out
  POST /remove           {"token": "…"}  answer 410 for this subscription from now on
  POST /forget           {"uaid": "…"}  lose a browser: it gets new subscriptions
  POST /faults           misbehave; any of
                           {"status": 429, "headers": {"Retry-After": "3"}, "body": "…"}
                           {"delay": 5}  {"silence": "stall"}  {"silence": "reset"}
                           {"status": 503, "deliver": true}  answers 503 and delivers all the same
                         each with "token" (one subscription only) and "times" (how often)
  DELETE /faults         behave again
  DELETE /log            forget the requests
"""


def answer(store: Store, endpoint_of: Callable[[Channel], str], request: Request) -> bytes:
    """Do what an admin request says. 404 for an unknown path, 400 for a body that says nothing."""
    action = ACTIONS.get((request.method, request.path))
    if action is None:
        return response(200 if request.path == "/" else 404, body=HELP.encode())
    try:
        body = json.loads(request.body or b"{}")
        result = action(store, endpoint_of, body)
    except (ValueError, KeyError, TypeError) as error:
        return response(400, body=f"{error!r}\n\n{HELP}".encode())
    text = json.dumps(result, indent=2).encode() + b"\n"
    return response(200, {"Content-Type": "application/json"}, text)


def _log(store: Store, _endpoint_of: object, _body: object) -> list[dict[str, Any]]:
    return [{**vars(record), "body": encode(record.body)} for record in list(store.log)]


def _subscriptions(store: Store, endpoint_of: Callable[[Channel], str], _body: object) -> object:
    return [
        {
            "token": channel.token,
            "endpoint": endpoint_of(channel),
            "uaid": channel.uaid,
            "connected": channel.uaid in store.browsers,
            "removed": channel.removed,
        }
        for channel in list(store.channels.values())
    ]


def _subscribe(store: Store, endpoint_of: Callable[[Channel], str], body: dict[str, Any]) -> object:
    channel = store.subscribe(decode(body["key"]) if body.get("key") else None)
    return Subscriber(store, endpoint_of(channel), channel.token).subscription()


def _remove(store: Store, _endpoint_of: object, body: dict[str, Any]) -> object:
    store.remove(body["token"])
    return {"removed": body["token"]}


def _forget(store: Store, _endpoint_of: object, body: dict[str, Any]) -> object:
    store.forget(body["uaid"])
    return {"forgotten": body["uaid"]}


def _misbehave(store: Store, _endpoint_of: object, body: dict[str, Any]) -> object:
    fault = Fault(**body)
    with store.changed:
        store.faults.append(fault)
    return dataclasses.asdict(fault)


def _behave(store: Store, _endpoint_of: object, _body: object) -> object:
    with store.changed:
        store.faults.clear()
    return {"faults": []}


def _clear_log(store: Store, _endpoint_of: object, _body: object) -> object:
    with store.changed:
        store.log.clear()
    return {"log": []}


ACTIONS: dict[tuple[str, str], Callable[[Store, Any, Any], object]] = {
    ("GET", "/log"): _log,
    ("GET", "/subscriptions"): _subscriptions,
    ("POST", "/subscriptions"): _subscribe,
    ("POST", "/remove"): _remove,
    ("POST", "/forget"): _forget,
    ("POST", "/faults"): _misbehave,
    ("DELETE", "/faults"): _behave,
    ("DELETE", "/log"): _clear_log,
}
