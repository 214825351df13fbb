"""What is sent to the text function."""

import functools
import string
from collections.abc import Sequence
from random import Random

from benchmarks.soak.calls import Request
from benchmarks.soak.mix import EVERYWHERE, Card, draw_size, fixed
from local.package import ROOT

MOST = 32  # texts of a request
LATIN = "text/plain; charset=iso-8859-1"
UTF8 = "text/plain; charset=utf-8"


@functools.cache
def reviews() -> Sequence[str]:
    """A text each, in several languages and none."""
    path = ROOT / "training/examples/reviews.txt"
    return path.read_text(encoding="utf-8").splitlines()


def draw_text(random: Random) -> str:
    """One to ten reviews, and now and then a word that no one wrote before."""
    words = random.choices(reviews(), k=draw_size(random, 10))
    if random.random() < 0.2:
        words.append("".join(random.choices(string.ascii_lowercase, k=9)))
    return " ".join(words)


def draw_texts(random: Random) -> list[str]:
    """A batch."""
    return [draw_text(random) for _ in range(draw_size(random, MOST))]


def _plain(random: Random) -> Request:
    text = random.choice(reviews())
    return Request("text/plain", text.encode(), "text/plain", predictions=1, same=text)


def _charset(random: Random) -> Request:
    text = draw_text(random)
    return Request("text/plain with a charset", text.encode(), UTF8, predictions=1)


def _long(random: Random) -> Request:
    text = " ".join(random.choices(reviews(), k=1_300))
    return Request("text of 85,000 characters", text.encode(), UTF8, predictions=1)


def _one(random: Random) -> Request:
    text = random.choice(reviews())
    return Request("JSON of one text", {"instances": [text]}, predictions=1, same=text)


def _batch(random: Random) -> Request:
    texts = draw_texts(random)
    return Request("JSON of many texts", {"instances": texts}, predictions=len(texts))


CARDS = (
    *EVERYWHERE,
    Card(100, _plain),
    Card(40, _charset),
    Card(2, _long),
    Card(112, _one),
    Card(60, _batch),
    fixed(Request("400 broken UTF-8", b"\xff\xfe", "text/plain", 400), 2),
    fixed(Request("400 no body", media="text/plain", status=400), 2),
    fixed(Request("413 1,001 texts", {"instances": ["a"] * 1_001}, status=413), 2),
    fixed(Request("413 100,001 characters", {"instances": ["a" * 100_001]}, status=413), 2),
    fixed(Request("415 Content-Type", b"a,b", "text/csv", 415), 2),
    fixed(Request("415 charset", b"a", LATIN, 415), 2),
    fixed(Request("422 a number", {"instances": ["good", 5]}, status=422), 2),
    fixed(Request("422 no word", {"instances": ["?!"]}, status=422), 2),
    fixed(Request("422 no instance", {"instances": []}, status=422), 2),
    fixed(Request("422 another document", {"inputs": []}, status=422), 2),  # twice as often here
)
