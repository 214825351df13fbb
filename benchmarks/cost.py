"""What a million requests would cost: a formula over measured figures, not a bill.

    share    = memory / 1,769 MB, the vCPUs of a function of that size
    duration = max(p50, CPU / share) where share < 1, else p50; rounded up to whole milliseconds
    dollars  = 1,000,000 x (duration / 1,000 x memory / 1,024 x price of a GB-second
               + price of a request)
    memory   = peak x head-room, between 128 and 10,240 MB; Lambda takes every whole number

Left out: cold starts and their billed initialisation, the API in front of the function, logs,
data transfer, storage and the free tier. The p50 has the emulator's own share in it.
"""

import math
from dataclasses import dataclass

from benchmarks.limits import vcpus

SMALLEST, LARGEST = 128, 10_240  # MB, AWS's limits of a function's memory
HEADROOM = 1.2  # over the peak of Python's own process: the runtime around it, and other inputs


@dataclass(frozen=True)
class Prices:
    """Dollars for a GB-second and for a request; defaults: x86_64, us-east-1, first tier."""

    gb_second: float = 0.0000166667
    request: float = 0.0000002


def memory_for(peak: float, headroom: float = HEADROOM) -> int | None:
    """The smallest memory setting that a peak fits into, MB; None if the largest is too small."""
    size = max(SMALLEST, math.ceil(peak * headroom))
    return size if size <= LARGEST else None


def billed(p50: float, cpu: float, megabytes: int) -> int:
    """Milliseconds that a request is billed for at a memory size.

    p50: milliseconds as measured with a whole core. cpu: milliseconds of processor time.
    """
    share = vcpus(megabytes)
    return math.ceil(max(p50, cpu / share) if share < 1 else p50)


def per_million(milliseconds: float, megabytes: int, prices: Prices) -> float:
    """Dollars for a million requests of that duration, rounded up, at that memory size."""
    seconds = math.ceil(milliseconds) / 1000
    return 1e6 * (seconds * megabytes / 1024 * prices.gb_second + prices.request)
