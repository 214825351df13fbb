"""A function that dies, fails or hears nothing at any of its requests leaves no trace."""

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.integration.conftest import Buckets, Killed
from tests.uploads import FILES, File, csv_file, gzipped, jsonl_file

GOOD, OTHER, BAD = FILES["text"][:3]
LINES = [f"Row {number} was fresh and rich." for number in range(6)]
ROWS = jsonl_file(*LINES[:4], 5, *LINES[4:])
OTHER_ROWS = gzipped(replace(jsonl_file(*reversed(LINES)), suffix=".jsonl"))
BAD_ROWS = File(".jsonl", b"", status=400)
LATE_BAD_ROWS = File(".jsonl", OTHER_ROWS.body[:-4], status=400)  # damaged at its end
GONE = File("", b"")
FEW = ("bad-over-good", "good-over-bad", "deleted-good", "rows-over-unfinished", "bad-over-rows")

pytestmark = pytest.mark.usefixtures("small_parts")

# What was there and answered, what was there and is half answered, and what is there now.
CASES = {
    "first": (None, None, GOOD),
    "first-refused": (None, None, BAD),
    "good-over-good": (GOOD, None, OTHER),
    "bad-over-good": (GOOD, None, BAD),
    "good-over-bad": (BAD, None, GOOD),
    "deleted-good": (GOOD, None, GONE),
    "deleted-bad": (BAD, None, GONE),
    "rows": (None, None, ROWS),
    "rows-continued": (None, ROWS, ROWS),
    "rows-over-rows": (OTHER_ROWS, None, ROWS),
    "rows-over-unfinished": (None, OTHER_ROWS, ROWS),
    "rows-over-bad": (BAD_ROWS, None, ROWS),
    "bad-over-rows": (ROWS, None, BAD_ROWS),
    "late-bad-rows": (None, None, LATE_BAD_ROWS),
    "late-bad-over-unfinished": (ROWS, OTHER_ROWS, LATE_BAD_ROWS),
    "deleted-rows": (ROWS, None, GONE),
    "deleted-unfinished": (ROWS, OTHER_ROWS, GONE),
}


def prepare(buckets: Buckets, case: str) -> tuple[str, list]:
    """The key, and the object that lives at the end with its source."""
    answered, unfinished, last = CASES[case]
    suffix = next(file.suffix for file in (last, answered, unfinished) if file not in (None, GONE))
    key = f"text/a{suffix.removesuffix('.gz')}"
    source = {}
    if answered:
        source = buckets.put(key, answered.body)
        buckets.deliver(key)
    if unfinished:
        source = buckets.put(key, unfinished.body)
        for _ in range(2):
            with suppress(ExceptionGroup):
                buckets.deliver(key, seconds=0)
        assert buckets.pending()
    if last is GONE:
        buckets.delete(key)
    elif last is not unfinished:
        source = buckets.put(key, last.body)
    buckets.watch.seen.clear()
    return key, [] if last is GONE else [(last, source)]


@pytest.mark.parametrize("case", CASES)
def test_a_function_killed_before_any_request_leaves_what_the_next_one_puts_right(
    make_buckets, case
):
    for count in range(100):
        buckets = make_buckets()
        key, live = prepare(buckets, case)
        try:
            with buckets.watch.kill(count):
                buckets.deliver(key)
        except Killed:
            buckets.deliver(key)
            buckets.check(*live)
        else:
            break
    assert count >= 5  # the fewest requests that any of this takes


@pytest.mark.parametrize("case", ["bad-over-good", "rows"])
def test_functions_killed_twice_leave_what_the_third_one_puts_right(make_buckets, case):
    for count in range(2, 60, 4):
        for next_count in range(1, 60, 4):
            buckets = make_buckets()
            key, live = prepare(buckets, case)
            with suppress(Killed), buckets.watch.kill(count):
                buckets.deliver(key)
            with suppress(Killed), buckets.watch.kill(next_count):
                buckets.deliver(key)
            complete = len(buckets.watch.seen) < count + next_count
            buckets.deliver(key)
            buckets.check(*live)
            if complete:
                break


@pytest.mark.parametrize("case", FEW)
def test_a_request_that_fails_is_raised_and_put_right_by_the_next_attempt(make_buckets, case):
    for count in range(100):
        buckets = make_buckets()
        key, live = prepare(buckets, case)
        with buckets.watch.fail(count):
            try:
                buckets.deliver(key)
            except* OSError:
                pass
            else:
                break
        buckets.deliver(key)
        buckets.check(*live)
    assert count >= 5  # the fewest requests that any of this takes


@pytest.mark.parametrize("case", FEW)
def test_a_request_that_is_sent_twice_does_no_harm(make_buckets, case):
    for count in range(100):
        buckets = make_buckets()
        key, live = prepare(buckets, case)
        buckets.watch.lost.add(count)
        buckets.deliver(key)
        buckets.check(*live)
        if buckets.watch.lost:
            break
    assert count >= 5  # the fewest requests that any of this takes


@pytest.mark.parametrize("pack", [replace, gzipped])
def test_rows_keep_their_numbers_however_often_the_function_dies(buckets, pack):
    lines = FILES["numeric"][3].body.decode().splitlines()[1:]
    file = pack(csv_file(*lines * 6))
    source = buckets.put(f"numeric/a{file.suffix}", file.body)
    deaths = 0
    for _ in range(50):
        with suppress(Killed), buckets.watch.kill(14):
            buckets.deliver(source["key"])
            break
        deaths += 1
    assert deaths > 1
    buckets.check((file, source))
