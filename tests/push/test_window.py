"""How many messages a service is given at a time."""

import pytest

from push.delivery.answers import Answer, Outcome
from push.delivery.window import Window

FLOOR, START, CEILING = 4, 32, 1000
ACCEPTED = Answer(Outcome.ACCEPTED, 201)
TIMEOUT = Answer(Outcome.NETWORK, None, "timeout")


def new_window() -> Window:
    return Window(floor=FLOOR, start=START, ceiling=CEILING)


def round_trip(window: Window, answer: Answer, started: float, elapsed: float = 0.1) -> None:
    """Fill the window, then answer everything in it."""
    window.in_flight = count = window.limit
    for _number in range(count):
        window.in_flight -= 1
        window.learn(answer, elapsed, started, started + elapsed)


def test_it_reaches_the_ceiling_in_ten_quick_round_trips_and_stays_there() -> None:
    window = new_window()
    assert window.limit == START
    for trip in range(12):
        round_trip(window, ACCEPTED, float(trip))
    assert window.limit == CEILING


def test_slow_answers_do_not_make_it_grow() -> None:
    window = new_window()
    round_trip(window, ACCEPTED, 0.0, elapsed=3.0)
    assert window.limit == START


def test_an_idle_service_does_not_grow() -> None:
    window = new_window()
    for second in range(100):
        window.learn(ACCEPTED, 0.1, float(second), second + 0.1)
    assert window.limit == START


@pytest.mark.parametrize(
    "trouble",
    [
        Answer(Outcome.SLOW_DOWN, 429),
        Answer(Outcome.SLOW_DOWN, 406),
        Answer(Outcome.UNAVAILABLE, 503),
        TIMEOUT,
    ],
)
def test_trouble_halves_it_once_for_all_that_was_on_its_way(trouble: Answer) -> None:
    window = new_window()
    round_trip(window, trouble, 1.0)
    assert window.limit == START // 2
    round_trip(window, trouble, 2.0)
    assert window.limit == START // 4


@pytest.mark.parametrize(
    "answer",
    [
        Answer(Outcome.GONE, 410),
        Answer(Outcome.REFUSED, 403),
        Answer(Outcome.UNAVAILABLE, 500),
        Answer(Outcome.NETWORK, None, "reset"),
    ],
)
def test_other_errors_do_not_shrink_it(answer: Answer) -> None:
    window = new_window()
    round_trip(window, answer, 0.0)
    assert window.limit >= START


def test_it_never_falls_below_the_floor() -> None:
    window = new_window()
    for trip in range(20):
        round_trip(window, TIMEOUT, float(trip))
    assert (window.limit, window.free) == (FLOOR, FLOOR)


def test_after_trouble_it_grows_by_one_in_a_round_trip() -> None:
    window = new_window()
    round_trip(window, TIMEOUT, 1.0)
    round_trip(window, ACCEPTED, 2.0)
    assert window.limit == START // 2
    round_trip(window, ACCEPTED, 3.0)
    round_trip(window, ACCEPTED, 4.0)
    assert START // 2 < window.limit <= START // 2 + 3


def test_more_in_flight_than_allowed_is_no_free_slot() -> None:
    window = new_window()
    window.in_flight = 1000
    assert window.free == 0


def test_the_limits_are_those_of_the_settings() -> None:
    window = Window(floor=2, start=5, ceiling=9)
    assert window.limit == 5
    for trip in range(4):
        round_trip(window, ACCEPTED, float(trip))
    assert window.limit == 9
    for trip in range(4, 12):
        round_trip(window, TIMEOUT, float(trip))
    assert window.limit == 2
