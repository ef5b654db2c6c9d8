"""Bars beside their names, as HTML: every value is named and told, and nothing has to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

INK: Final = "#0f766e"
AMBER: Final = "#b45309"
COLOURS: Final = (INK, AMBER, "#1d4ed8", "#9333ea", "#be123c", "#4d7c0f", "#0891b2", "#a16207", "#475569", "#db2777")
"""Of parts of a bar; from the eleventh on they begin again."""
LETTERS: Final = 20


@dataclass(frozen=True)
class Bar:
    """One value.

    Attributes:
        name: of it.
        parts: shares of the width, from left to right, each from 0 to 1.
        said: what the bar stands for, in a few characters.
        title: more of it, shown to a pointer.
        colour: of its only part; empty: the parts have one each.
    """

    name: str
    parts: tuple[float, ...]
    said: str
    title: str = ""
    colour: str = INK


def figure(caption: str, bars: Sequence[Bar]) -> str:
    """The bars below one another.

    >>> figure("origin", [Bar("JFK", (0.5,), "33%")]).count("<i ")
    1
    """
    lines = "".join(
        f"<span title='{escape(bar.name)}'>{escape(cut(bar.name))}</span><div title='{escape(bar.title)}'>"
        f"{_parts(bar)}</div><b>{escape(bar.said)}</b>"
        for bar in bars
    )
    return f"<figure>{captioned(caption)}<div class=bars>{lines}</div></figure>"


def captioned(caption: str) -> str:
    """A name above a figure: cut where there is no room, and whole to a pointer."""
    return f"<figcaption title='{escape(caption)}'>{escape(caption)}</figcaption>"


def key(names: Sequence[str]) -> str:
    """Which colour stands for which part."""
    pairs = (
        f"<span><i style='background:{COLOURS[place % len(COLOURS)]}'></i>{escape(cut(name))}</span>"
        for place, name in enumerate(names)
    )
    return f"<p class=key>{''.join(pairs)}</p>"


def cut(text: str, letters: int = LETTERS) -> str:
    """As much of a text as there is room for; dots say that there is more.

    >>> cut("Fixed wing multi engine")
    'Fixed wing multi en…'
    """
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def told(number: float) -> str:
    """Whole from a thousand on, four digits below that and where there is no room.

    >>> told(17.2617), told(1032.35), told(1234567.0), told(2e12)
    ('17.26', '1032', '1234567', '2e+12')
    """
    return f"{number:.0f}" if 1e3 <= abs(number) < 1e9 else f"{number:.4g}"  # noqa: PLR2004 - as said


def label(value: str) -> str:
    """A value as it is, but a long number with as many digits as anybody reads.

    >>> label("-0.044641636506989144"), label("JFK"), label("2013")
    ('-0.04464', 'JFK', '2013')
    """
    try:
        return told(float(value)) if "." in value else value
    except ValueError:
        return value


def _parts(bar: Bar) -> str:
    colours = [bar.colour or COLOURS[place % len(COLOURS)] for place in range(len(bar.parts))]
    return "".join(
        f"<i style='width:{100 * part:.1f}%;background:{colour}'></i>"
        for part, colour in zip(bar.parts, colours, strict=True)
    )
