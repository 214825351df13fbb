"""What every contender is asked: pictures, texts and rows, one and many, as API events.

A request has at most 64 pictures and 6 MB, so of pictures the largest batch is 32.
"""

import base64
import copy
import functools
import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image

from local import payloads
from local.package import ROOT

EVENTS = {
    "image": "image_rest_cat",
    "text": "text_rest_review",
    "numeric": "numeric_rest_application",
}
EXAMPLES = ROOT / "training" / "examples"
PICTURES = ROOT / ".build" / "benchmarks" / "pictures"
SMALL, LARGE = (640, 480), (4000, 3000)
WORDS = 60
BATCHES = (32, 1_000)  # of texts and rows
QUALITY, NOISE = 85, 5  # of the JPEG; of a sensor, in levels of brightness: 1 to 2 bits a pixel
SEED = 6


@dataclass(frozen=True)
class Input:
    """A REST API event, its name in the tables, and how many instances are in it."""

    name: str
    instances: int
    event: Any


def load(workload: str) -> tuple[Input, ...]:
    """The inputs of "image", "text", "numeric" or "mobilenet"; the first is the cold start's."""
    return _LOADERS[workload]()


@functools.cache
def _image() -> tuple[Input, ...]:
    many = [{"b64": base64.b64encode(picture(SMALL, n)).decode()} for n in range(BATCHES[0])]
    return (*_mobilenet(), Input(f"{len(many)} of 0.3 MP", len(many), _json("image", many)))


@functools.cache
def _mobilenet() -> tuple[Input, ...]:
    return Input("0.3 MP", 1, _raw(picture(SMALL, 0))), Input("12 MP", 1, _raw(picture(LARGE, 0)))


@functools.cache
def _text() -> tuple[Input, ...]:
    many = list(islice(texts(), max(BATCHES)))
    batches = (Input(f"{size:,} texts", size, _json("text", many[:size])) for size in BATCHES)
    return Input(f"{WORDS} words", 1, _json("text", many[:1])), *batches


@functools.cache
def _numeric() -> tuple[Input, ...]:
    many = list(islice(rows(), max(BATCHES)))
    batches = (Input(f"{size:,} rows", size, _json("numeric", many[:size])) for size in BATCHES)
    return Input("one row", 1, _json("numeric", many[:1])), *batches


_LOADERS = {"image": _image, "text": _text, "numeric": _numeric, "mobilenet": _mobilenet}


def picture(size: tuple[int, int], number: int) -> bytes:
    """A JPEG of (width, height) from the photo in events/, kept under .build.

    Enlarged with a sensor's noise, so that it has about as many bytes as a camera's. `number`
    gives another part of the photo and another noise.
    """
    path = PICTURES / f"{size[0]}x{size[1]}_{number}.jpg"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_enlarged(size, number))
    return path.read_bytes()


def _enlarged(size: tuple[int, int], number: int) -> bytes:
    photo = Image.open(ROOT / "events" / "cat.jpg").convert("RGB")
    width = photo.height * size[0] // size[1]
    left = number % (photo.width - width)
    box = (left, 0, left + width, photo.height)
    enlarged = np.asarray(photo.resize(size, Image.Resampling.BICUBIC, box), np.float32)
    noise = np.random.default_rng(number).normal(0, NOISE, (size[1], size[0], 1))
    noisy = np.clip(enlarged + noise.astype(np.float32), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def texts() -> Iterator[str]:
    """Texts of 60 words without end: sentences of the example reviews in another order each."""
    reviews = (EXAMPLES / "reviews.txt").read_text(encoding="utf-8").splitlines()
    chance = random.Random(SEED)  # noqa: S311  not a secret
    while True:
        shuffled = " ".join(chance.sample(reviews, len(reviews))).split()
        yield " ".join(shuffled[:WORDS])


def rows() -> Iterator[dict[str, Any]]:
    """Rows by name without end, every value from one of the example applications.

    Some numbers are missing. No category is: as None, the naive handler does not take it.
    """
    examples: Sequence[dict[str, Any]] = json.loads((EXAMPLES / "applications.json").read_text())
    values = {name: [row[name] for row in examples] for name in examples[0]}
    for known in values.values():
        if any(isinstance(value, str) for value in known):
            known[:] = filter(None, known)
    chance = random.Random(SEED)  # noqa: S311  not a secret
    yield dict(examples[0])
    while True:
        yield {name: chance.choice(known) for name, known in values.items()}


def _raw(content: bytes) -> Any:
    event = copy.deepcopy(payloads.load(EVENTS["image"]))
    return {**event, "body": base64.b64encode(content).decode(), "isBase64Encoded": True}


def _json(modality: str, instances: Sequence[Any]) -> Any:
    event = copy.deepcopy(payloads.load(EVENTS[modality]))
    event["headers"]["Content-Type"] = "application/json"
    event["multiValueHeaders"]["Content-Type"] = ["application/json"]
    return {**event, "body": json.dumps({"instances": instances}), "isBase64Encoded": False}
