"""What is sent to the image function."""

import base64
import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image

from benchmarks.soak.calls import Request
from benchmarks.soak.mix import EVERYWHERE, Card, draw_size, fixed
from local.package import ROOT
from local.payloads import EVENTS

FORM = "multipart/form-data; boundary=soak"
MOST = 8  # pictures of a request
_MEDIA = {name: f"image/{name.lower()}" for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")}
_SIZES = {"JPEG": (16, 800), "PNG": (16, 500), "WEBP": (16, 500)}
_SMALL = (16, 200)  # pixels of a side, of the formats that compress little or not at all
_LARGE = {"JPEG": (4000, 3000), "PNG": (1600, 1200), "WEBP": (1600, 1200)}
_EACH = 12  # pictures of every format


@dataclass(frozen=True)
class Picture:
    """An encoded picture and what it is."""

    name: str
    media: str
    body: bytes


@functools.cache
def pictures() -> Sequence[Picture]:
    """Of every format and of sizes drawn once, and the ones of unusual pixels that are here."""
    random = Random(0)  # noqa: S311  nobody is to be surprised by them
    drawn = [
        _encode(kind, *(random.randint(*_SIZES.get(kind, _SMALL)) for _ in range(2)))
        for kind in _MEDIA
        for _ in range(_EACH)
    ]
    unusual = [
        Picture(path.name, f"image/{path.suffix[1:].replace('jpg', 'jpeg')}", path.read_bytes())
        for path in sorted((ROOT / "training/examples/pictures").iterdir())
    ]
    return [*drawn, *unusual]


@functools.cache
def large() -> Sequence[Picture]:
    """Of 2 to 12 megapixels."""
    return [_encode(kind, *size) for kind, size in _LARGE.items()]


@functools.cache
def _cat() -> Image.Image:
    return Image.open(EVENTS / "cat.jpg").convert("RGB")


def _encode(kind: str, width: int, height: int) -> Picture:
    buffer = io.BytesIO()
    _cat().resize((width, height)).save(buffer, kind)
    return Picture(f"{kind} {width}x{height}", _MEDIA[kind], buffer.getvalue())


def _raw(kind: str, found: Picture, media: str = "") -> Request:
    return Request(kind, found.body, media or found.media, predictions=1, same=found.name)


def _picture(random: Random) -> Request:
    found = random.choice(pictures())
    return _raw(found.media, found)


def _large(random: Random) -> Request:
    return _raw("picture of 2 to 12 megapixels", random.choice(large()))


def _octets(random: Random) -> Request:
    return _raw("picture as octet-stream", random.choice(pictures()), "application/octet-stream")


def _several(random: Random) -> Sequence[Picture]:
    return random.choices(pictures(), k=draw_size(random, MOST))


def _form(random: Random) -> Request:
    found = _several(random)
    same = found[0].name if len(found) == 1 else ""
    return Request("form of files", _parts(found), FORM, predictions=len(found), same=same)


def _parts(files: Sequence[Picture]) -> bytes:
    head = b'Content-Disposition: form-data; name="file"; filename="%d"'
    parts = [
        b"--soak\r\n" + head % number + b"\r\n\r\n" + file.body + b"\r\n"
        for number, file in enumerate(files)
    ]
    return b"".join([*parts, b"--soak--\r\n"])


def _json(random: Random) -> Request:
    found = _several(random)
    instances = [{"b64": base64.b64encode(one.body).decode()} for one in found]
    same = found[0].name if len(found) == 1 else ""
    return Request("base64 in JSON", {"instances": instances}, predictions=len(found), same=same)


def _cut(random: Random) -> Request:
    found = random.choice(pictures()[: 2 * _EACH])  # JPEG and PNG, of which half is none
    half = found.body[: len(found.body) // 2]
    return Request("400 picture cut short", half, found.media, 400)


def _scans(_: Random) -> Request:
    body = b"\xff\xd8" + b"\xff\xda" * 101
    return Request("413 JPEG of 101 scans", body, "image/jpeg", 413)


_FIELD = b'--soak\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--soak--\r\n'
CARDS = (
    *EVERYWHERE,
    Card(248, _picture),
    Card(2, _large),
    Card(16, _octets),
    Card(16, _form),
    Card(30, _json),
    Card(4, _cut),
    Card(2, _scans),
    fixed(Request("400 broken base64", {"instances": [{"b64": "*"}]}, status=400), 2),
    fixed(Request("413 65 pictures", {"instances": [{"b64": ""}] * 65}, status=413), 2),
    fixed(Request("415 Content-Type", b"a,b", "text/csv", 415), 2),
    fixed(Request("415 no picture", b"%PDF-1.7", "image/png", 415), 2),
    fixed(Request("422 no instance", {"instances": []}, status=422), 2),
    fixed(Request("422 a text", {"instances": ["cat"]}, status=422), 2),
    fixed(Request("422 form without a file", _FIELD, FORM, 422), 4),
)
