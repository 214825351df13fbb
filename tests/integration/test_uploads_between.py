"""What comes between any two requests of a function: its answer is to the last version."""

from dataclasses import dataclass, replace

import pytest

from tests.integration.conftest import Buckets
from tests.uploads import FILES, File, jsonl_file

GOOD, OTHER, BAD = FILES["text"][:3]
LINES = [f"Row {number} was fresh and rich." for number in range(5)]
ROWS, OTHER_ROWS = jsonl_file(*LINES), jsonl_file(*reversed(LINES))
BAD_ROWS = File(".jsonl", b"", status=400)
GONE = File("", b"")

# What was there and answered, what a function is at, and what is put meanwhile.
CASES = {
    "overwritten": (None, GOOD, OTHER),
    "overwritten-again": (BAD, GOOD, OTHER),
    "turned-bad": (None, GOOD, BAD),
    "turned-bad-again": (BAD, GOOD, replace(BAD, body=b" ")),
    "turned-good": (GOOD, BAD, OTHER),
    "same-bytes": (None, GOOD, GOOD),
    "deleted": (GOOD, OTHER, GONE),
    "put-again": (GOOD, GONE, OTHER),
    "rows-overwritten": (None, ROWS, OTHER_ROWS),
    "rows-deleted": (OTHER_ROWS, ROWS, GONE),
    "rows-turned-bad": (None, ROWS, BAD_ROWS),
}
FIRST_ONLY = 100


@dataclass
class Between:
    """Does something once, before a request of this number; `done` tells whether it came to it."""

    buckets: Buckets
    number: int
    what: object
    done: bool = False

    def __call__(self, _: str) -> None:
        if self.number == 0:
            self.done = True
            with self.buckets.watch.doing(lambda _: None):
                self.what()
        self.number -= 1


def put(buckets: Buckets, key: str, file: File) -> list:
    """Returns what lives."""
    if file is GONE:
        buckets.delete(key)
        return []
    return [(file, buckets.put(key, file.body))]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("answered_meanwhile", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_an_object_that_changes_meanwhile_has_its_last_answer_in_the_end(
    make_buckets, case, answered_meanwhile
):
    before, now, later = CASES[case]
    key = f"text/a{later.suffix or now.suffix}"
    for number in range(FIRST_ONLY):
        buckets = make_buckets()
        if before:
            put(buckets, key, before)
            buckets.deliver(key)
        put(buckets, key, now)
        live: list = []

        def change(buckets=buckets, live=live) -> None:
            live += put(buckets, key, later)
            if answered_meanwhile:
                buckets.answer(key)

        between = Between(buckets, number, change)
        with buckets.watch.doing(between):
            buckets.deliver(key)
        if not between.done:
            break
        if not answered_meanwhile:
            buckets.deliver(key)
        buckets.check(*live)
        assert _never_goes_back(buckets)
    assert 5 <= number < FIRST_ONLY


def _never_goes_back(buckets: Buckets) -> bool:
    """Whether no answer to an older version was ever put in place of one to a newer one."""
    uploads = buckets.client.list_object_versions(Bucket=buckets.uploads)["Versions"]
    newest_first = [version["VersionId"] for version in uploads]
    ages: dict[str, list[int]] = {}
    answers = buckets.client.list_object_versions(Bucket=buckets.results)
    for answer in answers.get("Versions", []):
        if not answer["Key"].startswith("unfinished/"):
            where = {"Key": answer["Key"], "VersionId": answer["VersionId"]}
            found = buckets.client.head_object(Bucket=buckets.results, **where)["Metadata"]
            age = newest_first.index(found["source-version"])
            ages.setdefault(answer["Key"], []).append(age)
    return all(history == sorted(history) for history in ages.values())


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("file", [GOOD, BAD, ROWS, BAD_ROWS])
def test_the_same_event_delivered_meanwhile_changes_nothing(make_buckets, file):
    for number in range(FIRST_ONLY):
        buckets = make_buckets()
        source = buckets.put(f"text/a{file.suffix}", file.body)
        between = Between(buckets, number, lambda b=buckets, s=source: b.answer(s["key"]))
        with buckets.watch.doing(between):
            buckets.deliver(source["key"])
        if not between.done:
            break
        buckets.check((file, source))
        answers = buckets.client.list_object_versions(Bucket=buckets.results)["Versions"]
        kinds = [version["Key"] for version in answers if "unfinished/" not in version["Key"]]
        assert len(kinds) == 1
    assert 5 <= number < FIRST_ONLY


def test_a_stale_function_does_not_replace_the_newer_answer_even_for_a_moment(buckets):
    buckets.put("text/a.txt", GOOD.body)
    seen = []

    def overtake(operation: str) -> None:
        if operation == "PutObject" and not seen:
            with buckets.watch.doing(lambda _: None):
                source = buckets.put("text/a.txt", OTHER.body)
                buckets.answer("text/a.txt")
                seen.append((OTHER, source))
        elif operation == "HeadObject" and seen:
            buckets.check(*seen)

    with buckets.watch.doing(overtake):
        buckets.deliver("text/a.txt")
    buckets.check(*seen)


def test_an_object_that_changes_all_the_time_is_left_to_the_next_attempt(buckets):
    buckets.put("text/a.txt", GOOD.body)

    def change(operation: str) -> None:
        if operation == "GetObject":
            buckets.put("text/a.txt", GOOD.body)

    with buckets.watch.doing(change), pytest.raises(ExceptionGroup) as raised:
        buckets.deliver("text/a.txt")
    assert "changed 5 times while it was answered" in str(raised.value.exceptions[0])
    assert buckets.watch.seen.count("GetObject") == 5
    source = buckets.put("text/a.txt", OTHER.body)
    buckets.deliver("text/a.txt")
    buckets.check((OTHER, source))


def test_two_versions_of_a_model_that_disagree_leave_one_answer(
    make_buckets, handlers, monkeypatch
):
    """Such as while a model is replaced by one that takes other inputs."""
    for number in range(FIRST_ONLY):
        buckets = make_buckets()
        source = buckets.put("text/a.txt", GOOD.body)

        def answer_by_the_other(buckets=buckets) -> None:
            predictor = handlers["text"].predictor
            limits = predictor.manifest.limits._replace(max_bytes=1)
            manifest = predictor.manifest._replace(version="2.0.0", limits=limits)
            with monkeypatch.context() as other:
                other.setattr(predictor, "manifest", manifest)
                buckets.answer("text/a.txt")

        between = Between(buckets, number, answer_by_the_other)
        with buckets.watch.doing(between):
            buckets.deliver("text/a.txt")
        if not between.done:
            break
        assert len(buckets.found()) == 1
    assert source
    assert 5 <= number < FIRST_ONLY
