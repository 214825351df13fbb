"""The skew report as an HTML page that needs nothing beside it."""

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pack.skew import Distance, Report, Stage, distance

SHOWN = 24  # examples, and tokens or numbers of one
SIDE = 160  # least pixels of a picture's longer side on the page
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2329; margin: 2rem auto;
max-width: 62rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } td, th { overflow-wrap: anywhere;
padding: .3rem .8rem; text-align: left;
vertical-align: top; border-bottom: 1px solid #dde2e7 } th { font-weight: 600 }
.same { color: #1b7f4b } .apart { color: #b3261e } img { image-rendering: pixelated; margin: .2rem }
figure { display: inline-block; margin: .3rem 1rem .3rem 0 } figcaption { color: #5b6670 }
code { background: #f2f4f6; padding: 0 .2rem } mark { background: #ffd9d6 }
"""


def to_html(report: Report) -> str:
    """The whole page: a table of stages, then each example with its pictures, tokens or numbers."""
    parting = report.parting
    verdict = (
        f'<p class="apart">They part at <b>{html.escape(parting.name)}</b>.</p>'
        if parting
        else '<p class="same">They do not part.</p>'
    )
    title = f"Skew of {html.escape(report.reference)}"
    rows = "".join(_stage_row(stage) for stage in report.stages)
    examples = "".join(_example(report, i) for i in range(min(SHOWN, len(report.names))))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        "<p>Your training-time preprocessing and the packed one, on"
        f" {len(report.names)} examples.</p>"
        f"{verdict}<table><tr><th>stage<th>differ<th>largest<th>worst</tr>{rows}</table>"
        f"{_not_compared(report)}{examples}</html>\n"
    )


def _stage_row(stage: Stage) -> str:
    if stage.share == 0:
        return f'<tr><td>{html.escape(stage.name)}<td class="same" colspan="3">the same</tr>'
    largest = "" if np.isinf(stage.largest) else f"{stage.largest:.3g}"
    return (
        f'<tr class="apart"><td>{html.escape(stage.name)}<td>{100 * stage.share:.3g} %'
        f"<td>{largest}<td>{html.escape(stage.where)}</tr>"
    )


def _not_compared(report: Report) -> str:
    parts = []
    if report.only_theirs:
        parts.append(f"Not compared, unknown here: {', '.join(report.only_theirs)}.")
    if report.only_ours:
        parts.append(f"Not compared, not returned: {', '.join(report.only_ours)}.")
    return f"<p>{html.escape(' '.join(parts))}</p>" if parts else ""


def _example(report: Report, index: int) -> str:
    cells = "".join(_cell(stage, index) for stage in report.stages)
    return f"<h2>{html.escape(report.names[index])}</h2><table>{cells}</table>"


def _cell(stage: Stage, index: int) -> str:
    ours, theirs = stage.ours[index], stage.theirs[index]
    apart = distance(ours, theirs)
    if isinstance(ours, list | tuple):
        shown = _tokens(ours, theirs)
    elif np.ndim(ours) == 3 and np.ndim(theirs) == 3:
        shown = _pictures(np.asarray(ours), np.asarray(theirs))
    else:
        shown = _numbers(np.asarray(ours), np.asarray(theirs))
    return f"<tr><th>{html.escape(stage.name)}<td>{_verdict(apart)}<br>{shown}</tr>"


def _verdict(apart: Distance) -> str:
    if not apart.differing:
        return '<span class="same">the same</span>'
    return f'<span class="apart">{apart.differing:,} of {apart.count:,} differ</span>' + (
        f": {html.escape(apart.where)}"
    )


def _tokens(ours: Sequence[str], theirs: Sequence[str]) -> str:
    lines = []
    for caption, tokens, other in (("here", ours, theirs), ("training", theirs, ours)):
        words = [
            f"<code>{html.escape(token)}</code>"
            if i < len(other) and other[i] == token
            else f"<mark><code>{html.escape(token)}</code></mark>"
            for i, token in enumerate(tokens[:SHOWN])
        ]
        lines.append(f"{caption}: {' '.join(words)}{' …' * (len(tokens) > SHOWN)}")
    return "<br>".join(lines)


def _numbers(ours: NDArray[Any], theirs: NDArray[Any]) -> str:
    """The numbers that differ most, or the first ones where none does or shapes differ."""
    if ours.shape != theirs.shape:
        return ""
    a, b = ours.ravel(), theirs.ravel()
    order = np.argsort(-np.abs(a.astype(float) - b.astype(float)), kind="stable")[: SHOWN // 3]
    rows = "".join(
        f"<tr><td>{i}<td>{a[i]:.7g}<td>{b[i]:.7g}<td>{float(a[i]) - float(b[i]):.3g}</tr>"
        for i in order
        if a[i] != b[i]
    )
    if not rows:
        return ""
    return f"<table><tr><th>place<th>here<th>training<th>difference</tr>{rows}</table>"


def _pictures(ours: NDArray[Any], theirs: NDArray[Any]) -> str:
    low, high = _range(ours)
    figures = [("here", _visible(ours, low, high)), ("training", _visible(theirs, low, high))]
    if ours.shape == theirs.shape and (ours != theirs).any():
        difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        figures.append(
            (
                f"difference, white is {difference.max():.3g}",
                _visible(difference, 0, difference.max()),
            )
        )
    return "".join(
        f'<figure><img src="{_data(pixels)}" alt="{caption}" {_size(pixels)}>'
        f"<figcaption>{caption}</figcaption></figure>"
        for caption, pixels in figures
    )


def _range(values: NDArray[Any]) -> tuple[float, float]:
    """The values that are shown as black and white: 0..255, or of scaled ones the extremes."""
    low, high = float(values.min()), float(values.max())
    if values.dtype == np.uint8 or (low >= 0 and 1.5 < high <= 255):
        return 0.0, 255.0
    return low, high


def _visible(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Values as bytes, low to high as 0 to 255, channels last."""
    span = (high - low) or 1.0
    scaled = np.clip((values.astype(np.float64) - low) / span, 0, 1) * 255
    pixels: NDArray[np.uint8] = scaled.round().astype(np.uint8)
    if pixels.shape[2] not in (1, 3, 4) and pixels.shape[0] in (1, 3, 4):
        pixels = pixels.transpose(1, 2, 0)  # channels first
    return pixels


def _data(pixels: NDArray[np.uint8]) -> str:
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
    image.thumbnail((4 * SIDE, 4 * SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _size(pixels: NDArray[np.uint8]) -> str:
    height, width = pixels.shape[:2]
    factor = SIDE / max(height, width)
    return f'width="{max(1, round(width * factor))}" height="{max(1, round(height * factor))}"'
