"""A page about a window: plain words first, then the figures, then the pictures."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from mlops_assets.rooms.evaluate.report import STYLE
from mlops_assets.rooms.evaluate.tables import table_html
from mlops_assets.rooms.monitor.words import Line

HEAD: Final = ("measured", "figure", "held against", "")


@dataclass(frozen=True)
class Page:
    """What a reader sees of a window.

    Attributes:
        title: model and window.
        subtitle: what was looked at, of which time, up to which cut-off.
        alarm: whether it asks for attention.
        words: the verdict.
        lines: the figures.
        picture: PNG.
    """

    title: str
    subtitle: str
    alarm: bool
    words: str
    lines: Sequence[Line]
    picture: bytes

    def section(self) -> str:
        """The part that stands first in a page of somebody else's."""
        kind = "no" if self.alarm else "yes"
        image = b64encode(self.picture).decode()
        return (
            f"<h1>{escape(self.title)}</h1><p class=sub>{escape(self.subtitle)}</p>"
            f"<div class='word {kind}'><b>{escape(self.words)}</b></div>"
            f"<h2>Figures</h2>{table_html(HEAD, self.lines)}"
            f"<h2>Pictures</h2><p><img alt='{escape(self.title)}' src='data:image/png;base64,{image}'></p>"
        )

    def html(self, *more: str) -> str:
        """A whole page, self-contained, with more sections below."""
        head = f"<meta charset=utf-8><title>{escape(self.title)}</title><style>{STYLE}</style>"
        return f"<!doctype html><html lang=en>{head}{self.section()}{''.join(more)}</html>"
