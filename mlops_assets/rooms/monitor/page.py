"""A page about a window: plain words first, then the figures, then the pictures."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from mlops_assets.rooms.evaluate.report import STYLE
from mlops_assets.rooms.evaluate.tables import table_html
from mlops_assets.rooms.monitor.words import Line

HEAD: Final = ("measured", "figure", "held against", "")
STORY: Final = ("all windows of this model, and what was done about each", "../retrain_request/timeline.html")


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
        answers: the verdict as questions with their answers; none: in one piece.
        details: more figures, by a title to open them with.
        links: words to a page beside this one.
    """

    title: str
    subtitle: str
    alarm: bool
    words: str
    lines: Sequence[Line]
    picture: bytes
    answers: Sequence[tuple[str, str]] = ()
    details: Sequence[tuple[str, Sequence[Line]]] = ()
    links: Sequence[tuple[str, str]] = ()

    def section(self) -> str:
        """The part that stands first in a page of somebody else's."""
        kind = "no" if self.alarm else "yes"
        image = b64encode(self.picture).decode()
        return (
            f"<h1>{escape(self.title)}</h1><p class=sub>{escape(self.subtitle)}</p>"
            f"<div class='word {kind}'>{self._verdict()}</div>{self._linked()}"
            f"<h2>Figures</h2>{table_html(HEAD, self.lines)}{''.join(self._folded())}"
            f"<h2>Pictures</h2><p><img alt='{escape(self.title)}' src='data:image/png;base64,{image}'></p>"
        )

    def _verdict(self) -> str:
        if not self.answers:
            return f"<b>{escape(self.words)}</b>"
        return "".join(
            f"<p style='margin:.25rem 0'><b>{escape(asked)}</b> {escape(said)}</p>" for asked, said in self.answers
        )

    def _linked(self) -> str:
        links = ", ".join(f"<a href='{escape(page, quote=True)}'>{escape(words)}</a>" for words, page in self.links)
        return f"<p class=sub>{links}</p>" if links else ""

    def _folded(self) -> Iterator[str]:
        for title, lines in self.details:
            yield f"<details><summary>{escape(title)}</summary>{table_html(HEAD, lines)}</details>"

    def html(self, *more: str) -> str:
        """A whole page, self-contained, with more sections below."""
        head = f"<meta charset=utf-8><title>{escape(self.title)}</title><style>{STYLE}</style>"
        return f"<!doctype html><html lang=en>{head}{self.section()}{''.join(more)}</html>"
