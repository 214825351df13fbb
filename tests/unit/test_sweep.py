"""What is advised follows from what was measured."""

from benchmarks.cost import Prices
from benchmarks.sweep.extremes import Least
from benchmarks.sweep.rounds import Calls, Round
from benchmarks.sweep.rows import advise, summarise

PRICES = Prices(gb_second=0.00001, request=0.0000002)


def measured(megabytes: int, *milliseconds: float, peak: float = 70) -> Round:
    """A round of one input; killed, where no call is given."""
    seconds = [each / 1000 for each in milliseconds]
    calls = Calls(seconds, 0.002, peak) if seconds else None
    return Round("text", megabytes, 0.5 if calls else None, {"a text": calls})


def advice(*rounds: Round, extremes: list[Least] | None = None):
    [found] = advise(summarise(rounds, PRICES), extremes or [])
    return found


def test_every_call_is_billed_by_its_own_whole_milliseconds():
    [row] = summarise([measured(1024, 1.2, 10)], PRICES)
    assert row.dollars == (2 + 10) / 2 * 1000 * 0.00001 + 0.2


def test_knee_is_the_smallest_size_within_a_tenth_of_the_best():
    found = advice(measured(128, 20), measured(512, 5.4), measured(1024, 5))
    assert (found.knee, found.cheapest) == ({"a text": 512}, 128)


def test_size_that_killed_once_in_any_round_does_not_survive():
    sizes = [measured(128), measured(512, 5), measured(128, 20), measured(512, 5)]
    [killed, survived] = summarise(sizes, PRICES)
    assert (killed.killed, killed.rounds, survived.killed) == (1, 2, 0)
    found = advice(*sizes)
    assert found.survives == found.cheapest == 512
    assert set(found.knee.values()) == {512}


def test_safe_size_has_room_above_the_peak_of_every_extreme():
    sizes = [measured(size, 5) for size in (128, 512, 1024, 2048)]
    extreme = Least("text", "huge", 1024, 512, 900, 2.0, "refused")
    found = advice(*sizes, extremes=[extreme])
    assert (found.survives, found.safe) == (1024, 2048)


def test_no_size_is_advised_where_an_extreme_was_never_answered():
    never = Least("text", "huge", None, 128, None, None, None)
    found = advice(measured(128, 5), extremes=[never])
    assert (found.survives, found.safe) == (None, None)
