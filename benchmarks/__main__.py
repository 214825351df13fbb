"""`python -m benchmarks`: measure this package beside its floor, its aim and its alternatives."""

import argparse
import dataclasses
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import contenders, cost, machine, peers, preparation, report, sizes
from benchmarks.contenders import ENGINE, MINIMAL, MODALITIES, NAIVE, OURS, Available
from benchmarks.facts import Facts
from benchmarks.figures import Pricing, Row, summarise
from benchmarks.measure import Contender, Effort, Prediction, measure
from local import environment, package

FOLDER = Path(__file__).parent
CLOSE = 0.01  # largest difference of a score that still counts as the same answer


def main() -> int:
    """Measure, write the results, print the tables; 1 if a contender gives another answer."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    skipped: list[str] = []
    workloads = _workloads(arguments, skipped)
    available = _available(arguments, skipped)
    found = contenders.contenders(workloads, available)
    found = [one for one in found if one.name not in arguments.without]
    effort = Effort(arguments.rounds, arguments.slow_rounds, arguments.calls, arguments.seconds)
    prices = cost.Prices(arguments.price_gb_second, arguments.price_request)
    pricing = Pricing(prices, arguments.headroom)
    facts = _facts(available, effort, pricing, skipped)
    rows = _measure(found, effort, pricing)
    if not rows:
        sys.exit("bench: nothing is left to measure")
    print(report.write(rows, facts, arguments.out))
    return _compare(rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add, prices = parser.add_argument, cost.Prices()
    add("--rounds", type=int, default=7, help="cold starts of each (default: 7)")
    add("--slow-rounds", type=int, default=3, help="of those that take seconds (default: 3)")
    add("--calls", type=int, default=100, help="most warm calls of an input a round (default: 100)")
    add("--seconds", type=float, default=1.5, help="most seconds of them (default: 1.5)")
    add("--only", nargs="+", default=list(MODALITIES), choices=list(MODALITIES))
    add("--without", nargs="+", default=[], choices=contenders.NAMES, help="contenders left out")
    add("--out", type=Path, default=FOLDER, help="folder of the results (default: benchmarks)")
    add("--price-gb-second", type=float, default=prices.gb_second, help="dollars (default: AWS's)")
    add("--price-request", type=float, default=prices.request, help="dollars (default: AWS's)")
    add(
        "--headroom",
        type=float,
        default=cost.HEADROOM,
        help=f"memory setting over the peak (default: {cost.HEADROOM})",
    )
    add(
        "--tensorflow-python",
        default=sys.executable,
        help="a Python with TensorFlow for the naive handlers and MobileNetV2 (default: this one)",
    )
    return parser


def _workloads(arguments: argparse.Namespace, skipped: list[str]) -> Sequence[str]:
    """Those asked for, less MobileNetV2 where it cannot be packed."""
    workloads: list[str] = list(arguments.only)
    if "mobilenet" in workloads:
        _say("packing MobileNetV2, a minute if it is not there yet")
        find = partial(preparation.find_mobilenet, arguments.tensorflow_python)
        if _find("mobilenet", find, skipped) is None:
            workloads.remove("mobilenet")
    return workloads


def _available(arguments: argparse.Namespace, skipped: list[str]) -> Available:
    """What this machine has of the contenders that are asked for."""
    without = arguments.without

    def get[T](name: str, find: Callable[[], T]) -> T | None:
        return None if name in without else _find(name, find, skipped)

    python = arguments.tensorflow_python
    servers = (get(name, partial(preparation.find_peer, name, python)) for name in peers.NAMES)
    return Available(
        engine=get(ENGINE, contenders.find_engine),
        naive=get(NAIVE, partial(preparation.find_naive, python)),
        servers=[server for server in servers if server is not None],
    )


def _find[T](name: str, find: Callable[[], T], skipped: list[str]) -> T | None:
    """What a contender needs; None, and a word in `skipped`, where this machine has it not."""
    try:
        return find()
    except machine.Unavailable as exc:
        skipped.append(f"{name}: {exc}")
        _say(f"not measured: {skipped[-1]}")
        return None


def _facts(available: Available, effort: Effort, pricing: Pricing, skipped: Sequence[str]) -> Facts:
    """Described before the measuring, so that the load is what it found."""
    layers = package.function("image").layers
    folders = [layer / "python" for layer in layers]
    [dependencies] = [one.parent for one in folders if (one / "numpy").is_dir()]
    engine, naive = available.engine, available.naive
    versions: dict[str, Mapping[str, str]] = {
        f"packages of the {ENGINE}": engine.versions if engine else {},
        f"packages of {NAIVE}": naive.versions if naive else {},
        **{f"packages of {server.name}": server.versions for server in available.servers},
    }
    return Facts(
        machine=machine.describe([*folders, environment.VAR_RUNTIME]),
        versions=versions,
        effort=dataclasses.asdict(effort),
        pricing=pricing,
        dependencies=sizes.files(dependencies) / 2**20,
        skipped=skipped,
    )


def _measure(found: Sequence[Contender], effort: Effort, pricing: Pricing) -> list[Row]:
    samples = measure(found, effort, _say)
    pairs = zip(found, samples, strict=True)
    return [summarise(contender, taken, pricing) for contender, taken in pairs if taken]


def _compare(rows: Sequence[Row]) -> int:
    """Whether hand-minimal and the Keras engine did this package's work, by all their answers."""
    different = 0
    found = {(row.workload, row.name): row for row in rows}
    for workload, name in found:
        ours = found.get((workload, OURS))
        if ours is None or name not in (MINIMAL, ENGINE):
            continue
        for asked, reading in found[workload, name].warm.items():
            unlike = _unlike(ours.warm[asked].answer, reading.answer)
            if unlike:
                _say(f"{workload}, {asked}: expected {OURS}'s answer of {name}, got {unlike}")
                different = 1
    return different


def _unlike(ours: Sequence[Prediction], other: Sequence[Prediction]) -> str:
    """The first pair of predictions that are not the same, in words; nothing if all are."""
    for number, (one, two) in enumerate(zip(ours, other, strict=True), 1):
        if one["label"] != two["label"] or abs(one["score"] - two["score"]) >= CLOSE:
            return f"for instance {number} {two} in place of {one}"
    return ""


def _say(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
