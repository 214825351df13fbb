"""What the figures were taken on and with, and what each column means."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import cost
from benchmarks.contenders import ENGINE, IMPORT, MINIMAL, NAIVE, OURS
from benchmarks.figures import Pricing
from benchmarks.limits import MEGABYTES_PER_VCPU

ABOUT = f"""
Functions run under the Lambda runtime interface emulator; bytecode compiled, page cache warm.
Cold: from the start of the process to the first answer, to the small input. Warm: one
request at a time, all inputs in the process that was started cold. Medians, with the least and
most of the rounds, in which the contenders took turns; p99 over all calls. Memory is the most that
the process ever held, after the small input and after all; MB as Lambda counts them (MiB). CPU is
of the contender's process, without the emulator; a server's memory and CPU are of all its
processes, added up. Ratios are to {MINIMAL}.

{OURS}, {MINIMAL} and {ENGINE} must give the same answer to every input. {NAIVE} and the servers
must give one to every instance, and may differ on pictures: they resize and scale in their own way.

{OURS} is the function of the zip package, under ONNX Runtime; {ENGINE} is the same function on the
container image's packages, started without Docker; {IMPORT} is the bare handler with that line. All
have the zip function's memory setting, which gives both engines one thread, and the others what
their libraries take; nothing limits memory or processor time. Servers answer over HTTP, without the
emulator, and their cold start ends with the first answer over it. A request has at most 64 pictures
and 6 MB, so the largest batch of pictures is 32. mobilenet is MobileNetV2 for 224x224, with random
weights, served by the same function as image.

Unzipped is all that a contender needs: {OURS}'s two layers and three bundles; for {MINIMAL} what it
imports of the same layer, and its bundle; for {ENGINE} the image's folders; for {NAIVE} and the
servers the packages that they import and what those require, as pip installs them.

Dollars are a formula over these figures, not a bill: a million requests of max(p50, CPU / share)
each, rounded up to a millisecond, at the smallest memory that fits the peak so far, where the share
is memory / {MEGABYTES_PER_VCPU:,} MB of a vCPU. Cold starts, their billed initialisation and
everything around the function are left out.
"""


@dataclass(frozen=True)
class Facts:
    """What the figures were taken on and with; dependencies: MB of that layer, unzipped."""

    machine: Mapping[str, Any]
    versions: Mapping[str, Mapping[str, str]]
    effort: Mapping[str, Any]
    pricing: Pricing
    dependencies: float
    skipped: Sequence[str]

    def lines(self) -> list[str]:
        """All of it as Markdown."""
        listed = {"machine": self.machine, **self.versions, "effort": self.effort}
        prices = self.pricing.prices
        return [
            *_wrapped(ABOUT),
            "",
            f"- dollars: {prices.gb_second:.10f} a GB-second, {prices.request:.7f} a request,"
            f" memory {self.pricing.headroom:g} times the peak and at least {cost.SMALLEST} MB",
            *(
                f"- {title}: {', '.join(f'{name} {value}' for name, value in values.items())}"
                for title, values in listed.items()
                if values
            ),
            *(f"- not measured: {reason}" for reason in self.skipped),
        ]


def _wrapped(text: str) -> Iterator[str]:
    """The lines of a text, filled again: names of another length stand in it."""
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        yield from ([""] if number else [])
        yield from textwrap.wrap(paragraph, 100, break_on_hyphens=False)
