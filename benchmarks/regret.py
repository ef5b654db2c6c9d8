"""What retraining by the arbiter costs and saves on a stream, against retraining every period and never."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.judging import Judge
from mlops_assets.rooms.retrain.arbiter import decide
from mlops_assets.rooms.retrain.evidence import Champion, Evidence, Request, Window
from mlops_assets.spec.model import Model

if TYPE_CHECKING:
    from benchmarks.streams import Floats, Places, Stream

START = datetime(2013, 1, 1, tzinfo=UTC)
FIRST = 3
"""Periods of the first training."""
LEAST = 1e-6


@dataclass
class Life:
    """Models over the periods of a stream.

    Attributes:
        stream: its rows.
        fitted: a model a number of periods that it was trained on.
        losses: its log loss of every row.
    """

    stream: "Stream"
    fitted: dict[int, Any] = field(default_factory=dict)
    losses: dict[int, "Floats"] = field(default_factory=dict)

    def loss(self, trained: int) -> "Floats":
        """Log loss a row, of the model trained on so many periods."""
        if trained not in self.losses:
            self.fitted[trained] = self.stream.fit(np.flatnonzero(self.stream.period < trained))
            score = self.score(trained)
            right = np.where(self.stream.y == 1, score, 1 - score)
            self.losses[trained] = -np.log(np.maximum(right, LEAST))
        return self.losses[trained]

    def score(self, trained: int) -> "Floats":
        """Its answers to all rows."""
        answers: Floats = self.fitted[trained].predict_proba(self.stream.x)[:, 1]
        return answers

    def rows(self, period: int) -> "Places":
        """Of one period."""
        return np.flatnonzero(self.stream.period == period)


def regret(stream: "Stream") -> dict[str, float]:
    """Total log loss from the first release on, a row, by policy; and how often each trained again."""
    life, periods = Life(stream), int(stream.period.max()) + 1
    judged = range(FIRST, periods)
    ours, requests = _arbited(life, periods)
    weights = np.concatenate([life.rows(p) for p in judged])
    monthly = np.concatenate([life.loss(p)[life.rows(p)] for p in judged])
    never = life.loss(FIRST)[weights]
    mine = np.concatenate([life.loss(ours[p])[life.rows(p)] for p in judged])
    low, high = _interval(never - mine, stream.day[weights])
    return {
        "ours": float(mine.mean()),
        "monthly": float(monthly.mean()),
        "never": float(never.mean()),
        "retrains_ours": requests,
        "retrains_monthly": periods - 1 - FIRST,
        "saved_low": low,
        "saved_high": high,
    }


def _arbited(life: Life, periods: int) -> tuple[dict[int, int], int]:
    """Which model answers each period when the arbiter asks and evidence decides."""
    model = Model.model_validate(
        {"name": "stream", "target": {"column": "y"}, "features": ["x"], "retrain": {"cooldown": "56d"}}
    )
    champion, serving = FIRST, {FIRST: FIRST}
    requests = [Request(_end(FIRST - 1), len(np.flatnonzero(life.stream.period < FIRST)))]
    windows: list[Window] = []
    for period in range(FIRST, periods - 1):
        life.loss(champion)
        windows.append(_watched(life, champion, period))
        evidence = Evidence(
            clock=_end(period),
            labels=int((life.stream.period <= period).sum()),
            history=_end(period) - START,
            champion=Champion(champion, _end(champion - 1), _end(champion - 1)),
            requests=tuple(requests),
            drift=tuple(windows),
        )
        decision = decide(model, evidence)
        if decision.retrain:
            requests.append(decision.request(evidence))
            # The challenger is judged on the period that it has not seen, and released when it is better there.
            rows = life.rows(period)
            gain = life.loss(champion)[rows] - life.loss(period)[rows]
            if period > champion and _interval(gain, life.stream.day[rows])[0] > 0:
                champion = period
        serving[period + 1] = champion
    return serving, len(requests) - 1


def _watched(life: Life, champion: int, period: int) -> Window:
    stream = life.stream
    known, rows = np.flatnonzero(stream.period < champion), life.rows(period)
    score = life.score(champion)
    judge = Judge(stream, stream.x[known], score[known], stream.day[known], size=len(rows))
    figure = judge.figure(stream.x[rows], score[rows])
    return Window(str(period), _end(period), bool(figure > 1), float(figure), 1.0)


def _end(period: int) -> datetime:
    return START + timedelta(days=30 * (period + 1))


def _interval(gain: "Floats", day: "Places", *, resamples: int = 500) -> tuple[float, float]:
    """Of the mean gain a row, by resampled days."""
    _, code = np.unique(day, return_inverse=True)
    sums, sizes = np.bincount(code, gain), np.bincount(code)
    drawn = np.random.default_rng(0).integers(0, len(sums), (resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))
