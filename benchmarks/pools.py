"""Calm windows: rows that a model never saw, in an order in which nothing changes, cut into reference and window."""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.judging import Judge
from benchmarks.streams import STREAMS

if TYPE_CHECKING:
    from benchmarks.streams import Floats, Places, Stream

THIN = {"flights": 4}
"""Every so many-th row, for the many repetitions; the sizes are of these rows."""
REFERENCE = {"flights": 24_000, "rain": 9_000, "doctors": 7_000}
LARGE, LARGE_REFERENCE = 50_000, 130_000
"""A window of all flights, and its reference."""


@dataclass
class Pool:
    """Rows that a model never saw, with its scores."""

    stream: "Stream"
    model: Any
    rows: "Places"
    score: "Floats" = field(init=False)

    def __post_init__(self) -> None:
        """Score them once."""
        self.score = self.model.predict_proba(self.stream.x[self.rows])[:, 1]

    def laid(self, draw: np.random.Generator, null: str) -> "tuple[Places, Places]":
        """The rows in a new order, and each place's day: weeks in another order, or rows one by one."""
        day = self.stream.day[self.rows]
        if null == "iid":
            return draw.permutation(len(self.rows)), _counted(day)
        week = day // 7
        order = np.concatenate([np.flatnonzero(week == one) for one in draw.permutation(np.unique(week))])
        return order, _counted(day[order])

    def x(self, places: "Places") -> "Floats":
        """Their columns, the score last."""
        return np.column_stack([self.stream.x[self.rows[places]], self.score[places]])


@dataclass
class Case:
    """A reference, and a window of the same order; no row is in both.

    Attributes:
        pool: that the rows are of.
        known: places of the reference's rows.
        window: of the window's.
        day: of the reference's rows.
        draw: for what is done to the window.
    """

    pool: Pool
    known: "Places"
    window: "Places"
    day: "Places"
    draw: np.random.Generator

    def judge(self, seed: int) -> Judge:
        """The monitor's judgement of windows of this size."""
        x = self.pool.x(self.known)
        return Judge(self.pool.stream, x[:, :-1], x[:, -1], self.day, size=len(self.window), seed=seed)


def case(pool: Pool, reference: int, size: int, null: str, seed: int) -> Case:
    """Lay the rows anew, and cut off a reference and, anywhere after it, a window."""
    draw = np.random.default_rng(seed)
    order, day = pool.laid(draw, null)
    apart = reference + int(draw.integers(0, len(order) - reference - size + 1))
    return Case(pool, order[:reference], order[apart : apart + size], day[:reference], draw)


@cache
def stream(name: str) -> "Stream":
    """A stream, thinned where it is long."""
    whole, step = STREAMS[name](), THIN.get(name, 1)
    parts = {part: getattr(whole, part)[::step] for part in ("x", "y", "day", "period")}
    return replace(whole, **parts)


@cache
def pool(name: str) -> Pool:
    """A third of a stream's weeks trains the model, the others are the pool."""
    return _pool(stream(name))


@cache
def large() -> Pool:
    """All flights."""
    return _pool(STREAMS["flights"]())


def _pool(given: "Stream") -> Pool:
    trained = given.day // 7 % 3 == 0
    return Pool(given, given.fit(np.flatnonzero(trained)), np.flatnonzero(~trained))


def _counted(day: "Places") -> "Places":
    return np.concatenate([[0], np.cumsum(np.diff(day) != 0)]).astype(np.int64)
