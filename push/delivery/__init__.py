"""Bytes to phones: encryption, keys, endpoints, answers, the sender and the outbox.

Knows nothing of what is said to whom (that is ``push.notices``).
"""
