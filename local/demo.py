"""`python -m local.demo`: send real inputs to the built functions and show what comes back."""

import argparse
import json
import signal
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from local import aws, emulator, environment, inprocess, package, payloads
from local.aws import Aws
from local.environment import EmulatorError
from local.package import Function

WARM_CALLS = 20
RESULTS = "demo-results"
SHOWN_SCORES = 3


@dataclass(frozen=True)
class Case:
    """One modality's inputs, in words and by name in `events/`, and the labels they must get.

    request: an API Gateway event; it must get the first of the labels.
    notification, file: an S3 event, and the file that it tells of; rows: whether its answer has a
        line for each row.
    """

    modality: str
    words: str
    request: str
    notification: str
    file: str
    labels: Sequence[str]
    rows: bool = False


@dataclass(frozen=True)
class Times:
    """Seconds and MB (MiB, as Lambda counts them)."""

    cold: float
    warm: float
    memory: float


class Started(Protocol):
    """A function that can be called, under the emulator or in this process."""

    def invoke(self, event: Any) -> emulator.Answer: ...
    def peak_memory(self) -> float: ...


type Start = Callable[[Function, Mapping[str, str]], AbstractContextManager[Started]]

CASES = (
    Case(
        modality="image",
        words="a JPEG photograph of a cat",
        request="image_rest_cat",
        notification="image_s3_cat",
        file="cat.jpg",
        labels=["cat"],
    ),
    Case(
        modality="text",
        words="a bad review",
        request="text_rest_review",
        notification="text_s3_review",
        file="review.txt",
        labels=["fewer stars"],
    ),
    Case(
        modality="numeric",
        words="a loan application",
        request="numeric_rest_application",
        notification="numeric_s3_application",
        file="applications.csv",
        labels=["good", "bad"],
        rows=True,
    ),
)


class UnexpectedAnswer(Exception):
    """A function answered, and not with what the demo's input must give."""


def main() -> int:
    """Run the demo; 1 if an answer was not as expected."""
    parser = argparse.ArgumentParser(description="Send real inputs to the built functions.")
    parser.add_argument("--in-process", action="store_true", help="do without the emulator")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    start = _choose(parser.parse_args().in_process)
    _say("starting a local S3 server")
    buckets = {payloads.upload(payloads.load(case.notification)).bucket for case in CASES}
    try:
        with aws.start(RESULTS, *buckets) as local_aws:
            times = {case.modality: _show(case, start, local_aws) for case in CASES}
    except (EmulatorError, package.NotBuilt, UnexpectedAnswer) as exc:
        _say(f"FAILED: {exc}")
        return 1
    _print_times(times)
    return 0


def _choose(in_process: bool) -> Start:
    if in_process:
        return inprocess.start
    try:
        environment.binary()
    except EmulatorError as exc:
        _say(f"no runtime emulator: {exc}")
        _say("calling the handlers in this process; only the first call imports the packages")
        return inprocess.start
    return emulator.start


def _show(case: Case, start: Start, local_aws: Aws) -> Times:
    """Call one function through the API and through S3, print both answers, and time it."""
    function = package.function(case.modality)
    request = payloads.load(case.request)
    _say(f"starting {function.name}")
    with start(function, {**local_aws.environment, "RESULTS_BUCKET": RESULTS}) as started:
        cold = started.invoke(request)
        size = len(payloads.body(request))
        print(f"\nPOST /predict/{case.modality}: {case.words}, {size:,} bytes")
        answer = _read(cold.payload)
        _print_json(answer)
        _expect(case.labels[:1], answer)
        _show_upload(case, started, local_aws)
        warm = [started.invoke(request).seconds for _ in range(WARM_CALLS)]
        return Times(cold.seconds, statistics.median(warm), started.peak_memory())


def _read(payload: Any) -> Any:
    if payload.get("statusCode") != 200:
        raise UnexpectedAnswer(f"expected status 200, got {json.dumps(payload)}")
    return json.loads(payload["body"])


def _show_upload(case: Case, started: Started, local_aws: Aws) -> None:
    """Upload a file, tell the function of it, and show the result object."""
    notification = payloads.load(case.notification)
    upload = payloads.upload(notification)
    local_aws.upload(upload.bucket, upload.key, (payloads.EVENTS / case.file).read_bytes())
    print(f"\nUpload events/{case.file} to s3://{upload.bucket}/{upload.key}", flush=True)
    started.invoke(notification)
    key = f"{upload.key}.json{'l' * case.rows}"
    lines = [json.loads(line) for line in local_aws.download(RESULTS, key).splitlines()]
    print(f"Result in s3://{RESULTS}/{key}")
    for line in lines:
        _print_json(line)
    predicted = [line["prediction"] for line in lines if "prediction" in line]
    _expect(case.labels, {"predictions": predicted} if case.rows else lines[0])


def _expect(labels: Sequence[str], answer: Mapping[str, Any]) -> None:
    found = [prediction["label"] for prediction in answer["predictions"]]
    if found != list(labels):
        raise UnexpectedAnswer(f"expected {', '.join(labels)}, got {', '.join(found)}")


def _print_json(answer: Mapping[str, Any]) -> None:
    """Print an answer, or a line of one, of many scores only the highest."""
    shown = dict(answer)
    if isinstance(shown.get("predictions"), list):
        shown["predictions"] = [_shorten(prediction) for prediction in shown["predictions"]]
    if "prediction" in shown:
        shown["prediction"] = _shorten(shown["prediction"])
    indent = None if "row" in shown or "rows" in shown else 2
    print(json.dumps(shown, indent=indent, ensure_ascii=False))


def _shorten(prediction: Mapping[str, Any]) -> Mapping[str, Any]:
    ordered = sorted(prediction["scores"].items(), key=lambda item: -item[1])
    left_out = len(ordered) - SHOWN_SCORES
    more = {"...": f"{left_out} more"} if left_out > 0 else {}
    return {**prediction, "scores": {**dict(ordered[:SHOWN_SCORES]), **more}}


def _print_times(times: Mapping[str, Times]) -> None:
    print(f"\n{'function':<10}{'cold':>10}{f'warm, median of {WARM_CALLS}':>24}{'peak memory':>14}")
    for modality, taken in times.items():
        memory = "-" if taken.memory != taken.memory else f"{taken.memory:.0f} MB"
        cold, warm = f"{taken.cold * 1000:.0f} ms", f"{taken.warm * 1000:.1f} ms"
        print(f"{modality:<10}{cold:>10}{warm:>24}{memory:>14}")


def _say(message: str) -> None:
    print(f"demo: {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
