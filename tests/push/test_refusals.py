"""What PostgreSQL and libpq say when nobody gets in: what may pass is waited for, the rest is not."""

import pytest
from django.db import OperationalError

from push.startup import refusal_of

SERVER = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    "said",
    [
        'FATAL:  password authentication failed for user "fastlinkit"',
        'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "fastlinkit", database "x"',
        'FATAL:  role "fastlinkit" is not permitted to log in',
        "fe_sendauth: no password supplied",
        "server does not support SSL, but SSL was required",
        "SSL error: certificate verify failed",
    ],
)
def test_what_no_time_will_mend_is_a_refusal(said: str) -> None:
    assert refusal_of(OperationalError(SERVER + said)) in (SERVER + said)
    assert refusal_of(OperationalError(SERVER + said))


@pytest.mark.parametrize(
    "said",
    [
        "Connection refused\n\tIs the server running on that host?",
        "No route to host",
        "timeout expired",
        "server closed the connection unexpectedly",
        "FATAL:  the database system is starting up",
        "FATAL:  the database system is shutting down",
        "FATAL:  the database system is in recovery mode",
        "FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    ],
)
def test_what_may_pass_is_no_refusal(said: str) -> None:
    assert not refusal_of(OperationalError(SERVER + said))
