"""The benchmark's dollars are its formula's, and its verdicts those of the figures."""

import pytest

from benchmarks import cost
from benchmarks.cost import Prices


def test_a_million_requests_cost_their_gigabyte_seconds_and_themselves():
    prices = Prices(gb_second=0.00002, request=0.0000002)
    # 100 ms of 512 MB are 0.05 GB-seconds.
    assert cost.per_million(100, 512, prices) == pytest.approx(0.05 * 0.00002 * 1e6 + 0.2)


def test_a_started_millisecond_is_billed():
    prices = Prices()
    assert cost.per_million(1.01, 128, prices) == cost.per_million(2, 128, prices)


@pytest.mark.parametrize(("peak", "memory"), [(20, 128), (106, 128), (107, 129), (500, 600)])
def test_memory_is_the_smallest_that_fits_with_headroom(peak, memory):
    assert cost.memory_for(peak, headroom=1.2) == memory


def test_no_memory_fits_more_than_the_largest_setting():
    assert cost.memory_for(cost.LARGEST, headroom=1.2) is None


@pytest.mark.parametrize(
    ("p50", "cpu", "megabytes", "milliseconds"),
    [
        (3.2, 2.0, 1769, 4),  # a whole core: as measured
        (3.2, 9.0, 3538, 4),  # two: threads took more processor time than wall time
        (3.2, 2.0, 1769 / 2, 4),  # half a core, and half of the time was waiting
        (3.2, 3.0, 1769 / 8, 24),  # an eighth of a core
    ],
)
def test_a_small_function_takes_as_long_as_its_share_of_a_core_gives(
    p50, cpu, megabytes, milliseconds
):
    assert cost.billed(p50, cpu, megabytes) == milliseconds
