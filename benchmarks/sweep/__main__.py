"""`python -m benchmarks.sweep`: cold start, warm calls, memory and price of every memory size."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import limits, machine
from benchmarks.cost import Prices
from benchmarks.sweep import chart, extremes, report, rounds, rows
from benchmarks.sweep.rounds import Effort
from local import environment, package

FOLDER = Path(__file__).parents[1]
SIZES = (128, 192, 256, 384, 512, 768, 1024, 1280, 1536, 1769, 2048, 3008)
MODALITIES = ("image", "text", "numeric")


def main() -> None:
    """Measure, advise, write sweep.md, sweep.json and sweep.svg."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: removes the groups
    sizes, skipped = _possible(sorted(set(arguments.sizes)))
    layers = [layer / "python" for layer in package.function("image").layers]
    prices = Prices(arguments.price_gb_second, arguments.price_request)
    facts = {
        "machine": machine.describe([*layers, environment.VAR_RUNTIME]),
        "rounds": arguments.rounds,
        "prices": {"gb_second": prices.gb_second, "request": prices.request},
        "skipped": skipped,
    }
    effort = Effort(arguments.rounds, arguments.calls, arguments.seconds)
    try:
        taken = rounds.measure(arguments.functions, sizes, effort, _say)
        found = extremes.measure(arguments.functions, sizes, _say) if arguments.extremes else []
    except machine.Unavailable as exc:
        sys.exit(f"sweep: {exc}")
    measured = rows.summarise(taken, prices)
    advice = list(rows.advise(measured, found))
    markdown = report.to_markdown(measured, found, advice, facts)
    outputs = {
        "sweep.json": report.to_json(measured, found, advice, facts),
        "sweep.md": markdown,
        "sweep.svg": chart.to_svg(measured),
    }
    for name, text in outputs.items():
        (arguments.out / name).write_text(text, encoding="utf-8")
    print(markdown)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__)
    add = parser.add_argument
    add("--sizes", type=int, nargs="+", default=SIZES, help="MB (default: 12 of 128 to 3,008)")
    add("--functions", nargs="+", choices=MODALITIES, default=MODALITIES, help="(default: all)")
    add("--rounds", type=int, default=3, help="in turns over the sizes (default: 3)")
    add("--calls", type=int, default=30, help="warm calls of an input in a round (default: 30)")
    add("--seconds", type=float, default=0.8, help="for them, at most (default: 0.8)")
    add("--no-extremes", dest="extremes", action="store_false", help="without the largest inputs")
    add("--price-gb-second", type=float, default=Prices.gb_second, help="dollars")
    add("--price-request", type=float, default=Prices.request, help="dollars")
    add("--out", type=Path, default=FOLDER, help="folder of the results (default: benchmarks)")
    return parser


def _possible(sizes: Sequence[int]) -> tuple[list[int], list[str]]:
    """The sizes whose share this machine has, and why the others are left out."""
    cores = os.cpu_count() or 1
    fitting = [size for size in sizes if limits.vcpus(size) <= cores]
    reasons = [
        f"{size:,} MB, which has {limits.vcpus(size):.1f} vCPUs where this machine has {cores}"
        for size in sizes
        if size not in fitting
    ]
    if not fitting:
        sys.exit(f"sweep: no size can be measured: {'; '.join(reasons)}")
    return fitting, reasons


def _say(text: str) -> None:
    print(f"sweep: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
