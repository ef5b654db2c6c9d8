"""Whether alarms keep their stated rate, see what harms, and ask for retraining when it pays: on three real streams.

`make bench-decisions` is short; `python -m benchmarks.decisions --medium` or `--long` repeats more. Prints
`false_alarm_rate`, `power_*`, `harm_auc_*`, `regret_*` and `retrains_*` as its last line; before it, a line a stream.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.judging import RATE, Judge
from benchmarks.regret import regret
from benchmarks.rivals import Rivals
from benchmarks.shifts import SHIFTS
from benchmarks.streams import STREAMS

if TYPE_CHECKING:
    from benchmarks.streams import Floats, Places, Stream

HARMFUL = 0.02
METHODS = ("ours", "evidently", "psi", "ks")
THIN = {"flights": 4}
"""Every so many-th row, for the many repetitions; the sizes below are of these rows."""
REFERENCE = {"flights": 24_000, "rain": 9_000, "doctors": 7_000}
SIZES = {"flights": (100, 1_000, 10_000), "rain": (100, 1_000, 3_000), "doctors": (100, 1_000, 3_000)}
LARGE = 50_000
JUDGED = 1_000


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


def main() -> None:
    """Measure, and print the figures."""
    long = "--long" in sys.argv
    os.environ["OMP_NUM_THREADS"] = "1"
    nulls, shifted = (200, 100) if long else (50, 25) if "--medium" in sys.argv else (10, 5)
    jobs = [(name, nulls, shifted, long) for name in STREAMS]
    with ProcessPoolExecutor(2) as pool:
        found = dict(zip(STREAMS, pool.map(measured, jobs), strict=True))
    for name, one in found.items():
        sys.stdout.write(f"{json.dumps({'stream': name, **one['told']})}\n")
    sys.stdout.write(f"{json.dumps(_summed(found))}\n")


def measured(job: tuple[str, int, int, bool]) -> dict[str, Any]:
    """One stream: false alarms, power, harm, regret."""
    name, nulls, shifted, long = job
    whole = STREAMS[name]()
    stream = _thinned(whole, THIN.get(name, 1))
    pool = _pool(stream)
    rates = {
        f"{null}_{size}": _false_alarms(pool, REFERENCE[name], size, null, nulls)
        for size in SIZES[name]
        for null in ("iid", "block")
    }
    if long and name == "flights":
        rates |= {f"{null}_{LARGE}": _false_alarms(_pool(whole), 130_000, LARGE, null, 40) for null in ("iid", "block")}
    windows = [one for seed in range(shifted) for one in _shifted(pool, REFERENCE[name], seed)]
    saved = regret(stream)
    told = {"false_alarms": rates, **_power(windows), **{key: round(value, 4) for key, value in saved.items()}}
    return {"told": told, "rates": list(rates.values()), "windows": windows, "regret": saved}


def _thinned(stream: "Stream", step: int) -> "Stream":
    from dataclasses import replace

    return replace(
        stream,
        x=stream.x[::step],
        y=stream.y[::step],
        day=stream.day[::step],
        period=stream.period[::step],
    )


def _pool(stream: "Stream") -> Pool:
    trained = stream.day // 7 % 3 == 0
    return Pool(stream, stream.fit(np.flatnonzero(trained)), np.flatnonzero(~trained))


def _counted(day: "Places") -> "Places":
    return np.concatenate([[0], np.cumsum(np.diff(day) != 0)]).astype(np.int64)


def _split(pool: Pool, reference: int, size: int, null: str, seed: int) -> "tuple[Judge, Places, np.random.Generator]":
    draw = np.random.default_rng(seed)
    order, day = pool.laid(draw, null)
    x, score = pool.stream.x[pool.rows[order]], pool.score[order]
    judge = Judge(pool.stream, x[:reference], score[:reference], day[:reference], size=size, seed=seed)
    apart = reference + int(draw.integers(0, len(order) - reference - size + 1))
    return judge, order[apart : apart + size], draw


def _false_alarms(pool: Pool, reference: int, size: int, null: str, repetitions: int) -> float:
    alarms = 0
    for seed in range(repetitions):
        judge, window, _ = _split(pool, reference, size, null, seed)
        alarms += judge.figure(pool.stream.x[pool.rows[window]], pool.score[window]) > 1
    return alarms / repetitions


def _shifted(pool: Pool, reference: int, seed: int) -> list[dict[str, Any]]:
    from sklearn.metrics import roc_auc_score

    judge, window, draw = _split(pool, reference, JUDGED, "block", 10_000 + seed)
    stream, rows = pool.stream, pool.rows[window]
    known = np.column_stack([_numbers(judge, stream), judge.reference.scores])
    rivals = Rivals(judge.base, known)
    calm, found = roc_auc_score(stream.y[rows], pool.score[window]), []
    for name, shift in SHIFTS.items():
        x, y = shift(stream, draw, stream.x[rows], stream.y[rows])
        score = pool.model.predict_proba(x)[:, 1]
        codes = judge.base.encoding.codes(stream.table(x, score))
        harm = calm - roc_auc_score(y, score)
        figures = {"ours": judge.figure(x, score), **rivals.figures(codes, np.column_stack([x, score]))}
        found.append({"shift": name, "harm": float(harm), **figures})
    return found


def _numbers(judge: Judge, stream: "Stream") -> "Floats":
    columns = [judge.reference.rows[name].to_numpy(zero_copy_only=False) for name in stream.columns]
    return np.column_stack([column.astype(np.float64) for column in columns])


def _power(windows: list[dict[str, Any]]) -> dict[str, Any]:
    """Ours at its own threshold; the others at the quantile of their own calm windows, which is in their favour."""
    calm = [one for one in windows if one["shift"] == "calm"]
    limits = {method: float(np.quantile([one[method] for one in calm], 1 - RATE)) for method in METHODS} | {"ours": 1.0}
    families = {
        shift: {
            "harm": round(float(np.mean([one["harm"] for one in windows if one["shift"] == shift])), 3),
            **{m: float(np.mean([one[m] > limits[m] for one in windows if one["shift"] == shift])) for m in METHODS},
        }
        for shift in SHIFTS
    }
    for one in windows:
        one["rang"] = {method: bool(one[method] > limits[method]) for method in METHODS}
    return {"families": families}


def _summed(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    rates = [rate for one in found.values() for rate in one["rates"]]
    harmful = [w for one in found.values() for w in one["windows"] if w["harm"] > HARMFUL]
    power = {f"power_{method}": round(float(np.mean([w["rang"][method] for w in harmful])), 3) for method in METHODS}
    curves = {
        method: float(
            np.mean(
                [
                    roc_auc_score([w["harm"] > HARMFUL for w in one["windows"]], [w[method] for w in one["windows"]])
                    for one in found.values()
                ]
            )
        )
        for method in METHODS
    }
    policies = [one["regret"] for one in found.values()]
    mean = {name: float(np.mean([p[name] for p in policies])) for name in ("ours", "monthly", "never")}
    best = min(mean.values())
    return {
        "false_alarm_rate": round(float(np.mean(rates)), 4),
        "false_alarm_rate_highest": round(max(rates), 4),
        **power,
        "harm_auc_ours": round(curves["ours"], 3),
        "harm_auc_best_other": round(max(curves[m] for m in METHODS if m != "ours"), 3),
        **{f"regret_{name}": round(value - best, 5) for name, value in mean.items()},
        "retrains_ours": sum(int(p["retrains_ours"]) for p in policies),
        "retrains_monthly": sum(int(p["retrains_monthly"]) for p in policies),
    }


if __name__ == "__main__":
    main()
