"""How figures are written on a page: numbers, intervals, tables and pictures."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

NUMERIC: Final = re.compile(r"[-+]?[\d,.]+( to [-+]?[\d.]+)?")


def table_html(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells that look like numbers stand to the right."""
    lines = ["".join(f"<td{_side(cell)}>{escape(cell)}</td>" for cell in row) for row in rows]
    return f"<table><tr>{''.join(f'<th>{escape(h)}</th>' for h in head)}</tr><tr>{'</tr><tr>'.join(lines)}</tr></table>"


def bounds(low: float | None, high: float | None) -> str:
    """An interval."""
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def number(value: float | None) -> str:
    """A figure to four places, a count as it is."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _side(cell: str) -> str:
    return " class=n" if NUMERIC.fullmatch(cell) else ""


def image(png: bytes, said: str) -> str:
    """A picture, inline."""
    return f"<p><img alt='{escape(said)}' src='data:image/png;base64,{b64encode(png).decode()}'>"
