"""How figures are written on a page: numbers, intervals, tables and pictures."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

NUMERIC: Final = re.compile(r"[-+]?[\d,.]+( to [-+]?[\d.]+)?")
DAY: Final = re.compile(r"\d{4}-\d\d(-\d\d)?")


@dataclass(frozen=True)
class Link:
    """A cell that opens a page.

    Attributes:
        text: shown.
        url: opened; empty: nothing is.
    """

    text: str
    url: str


Cell = str | Link


def table_html(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table; cells that look like numbers stand to the right, days stay in one piece."""
    lines = ["".join(map(_cell, row)) for row in rows]
    return f"<table><tr>{''.join(f'<th>{escape(h)}</th>' for h in head)}</tr><tr>{'</tr><tr>'.join(lines)}</tr></table>"


def bounds(low: float | None, high: float | None) -> str:
    """An interval."""
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def number(value: float | None) -> str:
    """A figure to four places, a count as it is."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Link):
        shown = escape(cell.text)
        return f"<td><a href='{escape(cell.url, quote=True)}'>{shown}</a></td>" if cell.url else f"<td>{shown}</td>"
    return f"<td{_side(cell)}>{escape(cell)}</td>"


def _side(cell: str) -> str:
    return " class=n" if NUMERIC.fullmatch(cell) else " class=d" if DAY.fullmatch(cell) else ""


def image(png: bytes, said: str) -> str:
    """A picture, inline."""
    return f"<p><img alt='{escape(said)}' src='data:image/png;base64,{b64encode(png).decode()}'>"
