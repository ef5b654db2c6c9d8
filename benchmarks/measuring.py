"""What is measured of a stream: calm windows, shifted ones, Evidently's own figures, and what retraining saves."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import pools
from benchmarks.agreement import agreement
from benchmarks.pools import LARGE, LARGE_REFERENCE, REFERENCE, case
from benchmarks.regret import regret
from benchmarks.rivals import Rivals
from benchmarks.shifts import SHIFTS

if TYPE_CHECKING:
    from benchmarks.decisions import Part

    Rows = Iterator[Mapping[str, Any]]

SHIFTED_FROM = 10_000
"""Seeds of shifted windows, apart from those of calm ones."""


def calm(part: "Part") -> "Rows":
    """How far the monitor's figure of each window is over its threshold."""
    for seed in range(part.first, part.first + part.count):
        yield _calm(part, pools.pool(part.stream), REFERENCE[part.stream], part.size, seed)


def large(part: "Part") -> "Rows":
    """The same of 50,000 rows."""
    for seed in range(part.first, part.first + part.count):
        yield _calm(part, pools.large(), LARGE_REFERENCE, LARGE, seed)


def _calm(part: "Part", pool: pools.Pool, reference: int, size: int, seed: int) -> dict[str, Any]:
    one = case(pool, reference, size, part.null, seed)
    x = pool.x(one.window)
    by = one.judge(seed).ratios(x[:, :-1], x[:, -1])
    return {"null": part.null, "size": size, "seed": seed, "ours": max(by.values()), "by": max(by, key=by.__getitem__)}


def shifted(part: "Part") -> "Rows":
    """Each shift of the same windows, with the harm that it does, and everybody's figures."""
    from sklearn.metrics import roc_auc_score

    pool = pools.pool(part.stream)
    for seed in range(part.first, part.first + part.count):
        one = case(pool, REFERENCE[part.stream], part.size, "block", SHIFTED_FROM + seed)
        judge, stream, rows = one.judge(SHIFTED_FROM + seed), pool.stream, pool.rows[one.window]
        rivals = Rivals(stream, pool.x(one.known))
        before = roc_auc_score(stream.y[rows], pool.score[one.window])
        for name, shift in SHIFTS.items():
            x, y = shift(stream, one.draw, stream.x[rows], stream.y[rows])
            score = pool.model.predict_proba(x)[:, 1]
            harm = float(before - roc_auc_score(y, score))
            by = judge.ratios(x, score)
            found = {"ours": max(by.values()), **rivals.figures(np.column_stack([x, score]))}
            yield {"seed": seed, "shift": name, "harm": harm, "faults": by["faults"], **found}


def checked(part: "Part") -> "Rows":
    """Ours beside Evidently's own figures of a few windows, calm and shifted."""
    pool = pools.pool(part.stream)
    for seed in range(part.first, part.first + part.count):
        one = case(pool, REFERENCE[part.stream], part.size, "block", SHIFTED_FROM + seed)
        rows, shift = pool.rows[one.window], list(SHIFTS.values())[seed % len(SHIFTS)]
        x, _ = shift(pool.stream, one.draw, pool.stream.x[rows], pool.stream.y[rows])
        window = np.column_stack([x, pool.model.predict_proba(x)[:, 1]])
        yield agreement(pool.stream, pool.x(one.known), window)


def retrained(part: "Part") -> "Rows":
    """What each policy costs."""
    yield regret(pools.stream(part.stream))


KINDS: "dict[str, Callable[[Part], Rows]]" = {
    "calm": calm,
    "large": large,
    "shifted": shifted,
    "checked": checked,
    "regret": retrained,
}
