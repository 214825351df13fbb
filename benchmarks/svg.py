"""What all charts share: the document around their shapes, and each function's colour."""

from collections.abc import Iterable

COLOURS = {"image": "#5f8dd3", "text": "#d9822b", "numeric": "#1b7f4b"}


def document(shapes: Iterable[str], width: int, height: int, font: int = 12) -> str:
    """An SVG file of these shapes on white; pixels."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    style = f'font-family="sans-serif" font-size="{font}" fill="#333"'
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )
