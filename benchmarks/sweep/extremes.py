"""The inputs that take most memory, as uploads, and the smallest size that answers each."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from botocore.exceptions import ClientError
from PIL import Image

from benchmarks import limits
from benchmarks.sweep.rounds import sized
from local import aws, emulator, package
from local.aws import Aws
from local.environment import EmulatorError

INPUT, RESULTS = "inputs", "results"
SIDE = 7071  # pixels; squared, the 50 megapixels that a request may have
PICTURE, DOCUMENT = 25_000_000, 6_000_000  # bytes, the bundles' limits
DEPTH = 100  # of JSON


@dataclass(frozen=True)
class Extreme:
    """A file that is within the limits."""

    modality: str
    name: str
    suffix: str
    content: bytes


@dataclass(frozen=True)
class Least:
    """The smallest of the sizes that answered an extreme.

    megabytes, peak (MB), seconds: of that size, cold start included; None where none did.
    killed: the largest size that was too small; None where none was.
    outcome: "predicted", or "refused" with a problem.
    """

    modality: str
    name: str
    megabytes: int | None
    killed: int | None
    peak: float | None
    seconds: float | None
    outcome: str | None


@dataclass(frozen=True)
class _Answered:
    peak: float
    seconds: float
    outcome: str


def measure(
    modalities: Sequence[str], sizes: Sequence[int], progress: Callable[[str], None]
) -> list[Least]:
    """Every extreme of these modalities. Raises as rounds.measure does."""
    found = []
    with aws.start_apart(INPUT, RESULTS) as s3:
        for extreme in _extremes(modalities):
            key = f"{extreme.modality}/extreme{extreme.suffix}"
            s3.upload(INPUT, key, extreme.content)
            found.append(_search(extreme, key, sizes, s3))
            progress(f"{extreme.modality}, {extreme.name}: {found[-1].megabytes} MB")
    return found


def _search(extreme: Extreme, key: str, sizes: Sequence[int], s3: Aws) -> Least:
    """By halving, as what is too much for one size is too much for every smaller one."""
    killed, best, answered = -1, len(sizes), None
    while best - killed > 1:
        middle = (killed + best) // 2
        if tried := _try(extreme.modality, sizes[middle], key, s3):
            best, answered = middle, tried
        else:
            killed = middle
    return Least(
        extreme.modality,
        extreme.name,
        sizes[best] if answered else None,
        sizes[killed] if killed >= 0 else None,
        answered.peak if answered else None,
        answered.seconds if answered else None,
        answered.outcome if answered else None,
    )


def _try(modality: str, megabytes: int, key: str, s3: Aws) -> _Answered | None:
    """One upload in a fresh container; None if it was too much for its memory, see rounds.Round."""
    for answer in (f"{key}.json", f"errors/{key}.json"):  # it would stand for another
        s3.s3.delete_object(Bucket=RESULTS, Key=answer)
    function = sized(package.function(modality), megabytes)
    env = {**s3.environment, "RESULTS_BUCKET": RESULTS}
    with (
        limits.group(megabytes) as group,
        emulator.start(function, env, group.launcher()) as running,
    ):
        began = time.monotonic()
        try:
            running.invoke(_event(key))
        except EmulatorError:
            if not group.killed():
                raise
            return None
        seconds = time.monotonic() - began
        peak = running.peak_memory()
        return _Answered(peak, seconds, _outcome(key, s3)) if peak <= megabytes else None


def _event(key: str) -> Any:
    s3 = {"bucket": {"name": INPUT}, "object": {"key": key}}
    return {"Records": [{"eventSource": "aws:s3", "s3": s3}]}


def _outcome(key: str, s3: Aws) -> str:
    try:
        s3.download(RESULTS, f"{key}.json")
    except ClientError:
        s3.download(RESULTS, f"errors/{key}.json")
        return "refused"
    return "predicted"


def _extremes(modalities: Sequence[str]) -> Iterator[Extreme]:
    if "image" in modalities:
        yield from _pictures()
    for modality in ("text", "numeric"):
        if modality in modalities:
            yield from _documents(modality)


def _pictures() -> Iterator[Extreme]:
    """50 megapixels in few bytes; what they decode to is as large as any.

    Zeros behind the picture, which no decoder minds, fill the file up to the limit.
    """
    colours = _tiled()
    clear = colours.convert("RGBA")
    for image, kind, name, options in (
        (colours, "JPEG", "progressive JPEG", {"progressive": True, "subsampling": 0}),
        (clear, "PNG", "PNG with transparency", {"compress_level": 1}),
        (colours, "WEBP", "lossy WebP", {"method": 0}),
        (colours, "WEBP", "lossless WebP", {"method": 0, "quality": 0, "lossless": True}),
    ):
        file = io.BytesIO()
        image.save(file, kind, **options)
        yield Extreme("image", name, "", file.getvalue().ljust(PICTURE, b"\0"))


def _tiled() -> Image.Image:
    """A square of 65,536 colours side by side: no palette holds it, and it compresses well."""
    ramp = np.arange(256, dtype=np.uint8)
    square = np.stack([*np.meshgrid(ramp, ramp), np.full((256, 256), 90, np.uint8)], axis=-1)
    times = -(-SIDE // len(square))
    return Image.fromarray(np.tile(square, (times, times, 1))[:SIDE, :SIDE])


def _documents(modality: str) -> Iterator[Extreme]:
    """Lists in lists, which make most objects of each byte, parsed before they are found wrong."""
    item = b"[" * DEPTH + b"]" * DEPTH
    many = b",".join([item] * ((DOCUMENT - 20) // (len(item) + 1)))
    yield Extreme(modality, "JSON of nested lists", ".json", b'{"instances":[' + many + b"]}")
