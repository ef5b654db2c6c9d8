"""Lanes over one axis of time, as SVG: no plotting library is loaded for it, and each mark says what it is."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final, Literal

WIDTH: Final = 860
LEFT: Final = 120
RIGHT: Final = 34
HEIGHT: Final = 70
GAP: Final = 16
WHOLE: Final = 100
"""From which numbers are written without decimals."""
CALM: Final = "#0f766e"
ALARM: Final = "#b45309"
FAINT: Final = "#9ca3af"


@dataclass(frozen=True)
class Mark:
    """One thing that happened at a time.

    Attributes:
        at: when.
        value: its height; of a flag it does not count.
        text: what it is, shown under the pointer.
        alarm: whether it asks for attention.
        low: lower end of its interval; None: it has none.
        high: upper end.
        label: written beside a flag.
        link: opened by a click; empty: nothing is.
    """

    at: datetime
    value: float
    text: str
    alarm: bool = False
    low: float | None = None
    high: float | None = None
    label: str = ""
    link: str = ""


@dataclass(frozen=True)
class Lane:
    """Marks of one kind.

    Attributes:
        title: at its left.
        marks: in the order of time.
        kind: bars from zero, dots that are joined, or flags.
        level: a dashed line at this height; None: there is none.
    """

    title: str
    marks: Sequence[Mark]
    kind: Literal["bar", "dot", "flag"]
    level: float | None = None


def svg(lanes: Sequence[Lane]) -> str:
    """The lanes that hold something, one below the other; empty when none does."""
    shown = [lane for lane in lanes if lane.marks]
    moments = [mark.at for lane in shown for mark in lane.marks]
    if not moments:
        return ""
    axis = _Axis(min(moments) - timedelta(days=1), max(moments) + timedelta(days=1))
    height = len(shown) * (HEIGHT + GAP) + 2 * GAP
    parts = [part for place, lane in enumerate(shown) for part in _lane(lane, axis, GAP + place * (HEIGHT + GAP))]
    ticks = "".join(axis.ticks(height - GAP))
    return (
        f"<svg viewBox='0 0 {WIDTH} {height}' width='100%' font-family='system-ui,sans-serif' font-size='11' "
        f"role=img aria-label='timeline'>{ticks}{''.join(parts)}</svg>"
    )


@dataclass(frozen=True)
class _Axis:
    first: datetime
    last: datetime

    def x(self, moment: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((moment - self.first) / (self.last - self.first))

    def ticks(self, bottom: float) -> Iterator[str]:
        count = 6
        for number in range(count + 1):
            moment = self.first + (self.last - self.first) * number / count
            x = self.x(moment)
            yield f"<line x1={x:.1f} x2={x:.1f} y1=4 y2={bottom:.1f} stroke='#f3f4f6'/>"
            yield f"<text x={x:.1f} y={bottom + 12:.1f} fill='{FAINT}' text-anchor=middle>{moment:%Y-%m-%d}</text>"


def _lane(lane: Lane, axis: _Axis, top: float) -> Iterator[str]:
    bottom = top + HEIGHT
    yield f"<text x=4 y={top + 12:.1f} fill='#1f2937'>{escape(lane.title)}</text>"
    yield f"<line x1={LEFT} x2={WIDTH - RIGHT} y1={bottom:.1f} y2={bottom:.1f} stroke='#e5e7eb'/>"
    scale = _Scale.of(lane, top, bottom)
    if lane.kind != "flag":
        yield from scale.ends()
    if lane.level is not None:
        y = scale.y(lane.level)
        yield f"<line x1={LEFT} x2={WIDTH - RIGHT} y1={y:.1f} y2={y:.1f} stroke='{FAINT}' stroke-dasharray='3 3'/>"
    if lane.kind == "dot":
        points = " ".join(f"{axis.x(mark.at):.1f},{scale.y(mark.value):.1f}" for mark in lane.marks)
        yield f"<polyline points='{points}' fill=none stroke='{CALM}' stroke-width=1.2 />"
    for mark in lane.marks:
        yield _linked(mark, _drawn(lane, mark, axis.x(mark.at), scale, bottom))


def _drawn(lane: Lane, mark: Mark, x: float, scale: "_Scale", bottom: float) -> str:
    colour = ALARM if mark.alarm else CALM
    if lane.kind == "bar":
        y = scale.y(mark.value)
        return f"<rect x={x - 6:.1f} y={y:.1f} width=12 height={max(0.0, bottom - y):.1f} fill='{colour}' opacity=.6 />"
    if lane.kind == "flag":
        pole = f"<line x1={x:.1f} x2={x:.1f} y1={bottom - 34:.1f} y2={bottom:.1f} stroke='{colour}' stroke-width=1.5 />"
        flag = f"<circle cx={x:.1f} cy={bottom - 36:.1f} r=5 fill='{colour}'/>"
        said = f"<text x={x:.1f} y={bottom - 45:.1f} fill='{colour}' text-anchor=middle>{escape(mark.label)}</text>"
        return pole + flag + said
    whisker = ""
    if mark.low is not None and mark.high is not None:
        low, high = scale.y(mark.low), scale.y(mark.high)
        whisker = f"<line x1={x:.1f} x2={x:.1f} y1={low:.1f} y2={high:.1f} stroke='{colour}' stroke-width=1 />"
    return f"{whisker}<circle cx={x:.1f} cy={scale.y(mark.value):.1f} r=4 fill='{colour}'/>"


def _linked(mark: Mark, drawn: str) -> str:
    told = f"<g><title>{escape(mark.text)}</title>{drawn}</g>"
    return f"<a href='{escape(mark.link, quote=True)}'>{told}</a>" if mark.link else told


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    top: float
    bottom: float

    @classmethod
    def of(cls, lane: Lane, top: float, bottom: float) -> "_Scale":
        values = [v for mark in lane.marks for v in (mark.value, mark.low, mark.high) if v is not None]
        known = [value for value in [*values, lane.level] if value is not None and math.isfinite(value)] or [0.0, 1.0]
        low = 0.0 if lane.kind == "bar" else min(known)
        high = max(known)
        room = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
        return cls(low - (0.0 if lane.kind == "bar" else room), high + room, top, bottom)

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * (value - self.low) / (self.high - self.low)

    def ends(self) -> Iterator[str]:
        for value, y in ((self.high, self.top + 26), (self.low, self.bottom)):
            yield f"<text x={LEFT - 8} y={y:.1f} fill='{FAINT}' text-anchor=end>{_number(value)}</text>"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= WHOLE else f"{value:.3g}"
