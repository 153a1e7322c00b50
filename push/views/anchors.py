"""The states of the card "Browser push — this device", and where the manual explains each.

One place for the card's template (``<template data-push-state="…">``), for ``static/push/situation.js``, which decides
on a state, and for the manual, which has a section for every anchor.
"""

CARD_STATES: tuple[tuple[str, str], ...] = (
    ("not-asked", "state-not-asked"),
    ("subscribed", "state-subscribed"),
    ("paused", "state-paused"),
    ("allowed", "state-allowed"),
    ("elsewhere", "state-elsewhere"),
    ("denied", "state-denied"),
    ("ios-tab", "state-ios-tab"),
    ("ios-browser", "state-ios-browser"),
    ("ios-update", "state-ios-update"),
    ("insecure", "state-insecure"),
    ("no-worker", "state-no-worker"),
    ("unsupported", "state-unsupported"),
    ("unconfigured", "state-unconfigured"),
    ("repairing", "state-lost"),
    ("lost", "state-lost"),
    ("stopped", "state-stopped"),
)

MANUAL_PAGE = "browser-push-notifications"
