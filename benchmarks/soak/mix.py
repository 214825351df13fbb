"""The mix: shuffled decks, each with every kind of request as often as its share says.

So any two decks are the same work in another order, and what a deck costs can be compared.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.soak.calls import Call, Request, enter, probe

DECK = 400  # calls
PROBE = 10  # every so many calls one is the probe
UPLOADS = 6  # of a deck

type Make = Callable[[Random], Request]


@dataclass(frozen=True)
class Card:
    """A kind of request, and how many of a deck are of it."""

    count: int
    make: Make


def fixed(request: Request, count: int) -> Card:
    """A request that is the same every time."""
    return Card(count, lambda _: request)


# What every function is sent.
EVERYWHERE = (
    fixed(Request("GET", method="GET"), 10),
    fixed(Request("400 broken JSON", b'{"instances": [', status=400), 2),
    fixed(Request("404", b"{}", status=404, path="/predict/nothing"), 2),
    fixed(Request("405", b"{}", status=405, method="PUT"), 2),
    fixed(Request("415 Content-Encoding", status=415, headers=(("content-encoding", "br"),)), 2),
    fixed(Request("422 another document", {"inputs": []}, status=422), 2),
)


def calls(
    modality: str, cards: Sequence[Card], uploads: Iterator[Call], random: Random
) -> Iterator[Call]:
    """Calls without end; the same ones for the same seed of `random`."""
    makes = [card.make for card in cards for _ in range(card.count)]
    expected = DECK - DECK // PROBE - UPLOADS
    if len(makes) != expected:
        raise ValueError(f"expected {expected} cards for {modality}, got {len(makes)}")
    the_probe = probe(modality)
    while True:
        deck = _shuffled([*makes, *[None] * UPLOADS], random)
        for number in range(DECK):
            if number % PROBE == 0:
                yield the_probe
                continue
            make = deck.pop()
            yield enter(make(random), modality, random) if make else next(uploads)


def draw_size(random: Random, most: int) -> int:
    """1 to `most`, small ones more often: as many of 1 to 9 as of 10 to 99."""
    return int(math.exp(random.uniform(0, math.log(most + 1))))


def _shuffled(makes: Sequence[Make | None], random: Random) -> list[Make | None]:
    return random.sample(makes, len(makes))
