"""What retraining by the arbiter costs and saves on a stream, against retraining every period and never."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mlops_assets.rooms.monitor.drift import drift
from mlops_assets.rooms.monitor.performance import performance
from mlops_assets.rooms.monitor.reference import Reference, chunks_of
from mlops_assets.rooms.retrain.arbiter import decide
from mlops_assets.rooms.retrain.evidence import Champion, Evidence, Request, Window
from mlops_assets.spec.model import Model

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from benchmarks.streams import Floats, Places, Stream

START: Final = datetime(2013, 1, 1, tzinfo=UTC)
FIRST: Final = 3
"""Periods of the first training."""
LEAST: Final = 1e-6
FOLDS: Final = 3
REFERENCE_ROWS: Final = 20_000

DECLARED: Final[dict[str, Any]] = {
    "train": {"holdout": "7d"},
    "evaluate": {"confidence": 0.5},
    "retrain": {"new_data": 0.33, "backoff": 1},
}
"""Of a young model whose data grow: a week held out, better in three of four resamples, a third more labels a cause."""
MONTHLY: Final[dict[str, Any]] = {**DECLARED, "retrain": {"causes": ["schedule"], "every": "1d", "cooldown": "1d"}}
"""The same, but asked every period; a challenger is judged all the same."""


@dataclass
class Life:
    """Models of a stream, by the day before which their rows end.

    Attributes:
        stream: its rows.
        losses: log loss of every row, a model.
        scores: answers to every row, a model.
        references: what its windows are judged against, a model.
    """

    stream: "Stream"
    losses: dict[int, "Floats"] = field(default_factory=dict)
    scores: dict[int, "Floats"] = field(default_factory=dict)
    references: dict[int, Reference] = field(default_factory=dict)

    def loss(self, until: int) -> "Floats":
        """Log loss a row."""
        if until not in self.losses:
            self.scores[until] = self.fitted(self.stream.day < until)
            right = np.where(self.stream.y == 1, self.scores[until], 1 - self.scores[until])
            self.losses[until] = -np.log(np.maximum(right, LEAST))
        return self.losses[until]

    def fitted(self, rows: "NDArray[np.bool_]") -> "Floats":
        """Answers to all rows, of a model of some."""
        answers: Floats = self.stream.fit(np.flatnonzero(rows)).predict_proba(self.stream.x)[:, 1]
        return answers

    def rows(self, period: int) -> "Places":
        """Of one period."""
        return np.flatnonzero(self.stream.period == period)

    def end(self, period: int) -> int:
        """The day after a period's last."""
        return int(self.stream.day[self.rows(period)].max()) + 1

    def reference(self, until: int) -> Reference:
        """What the windows of a model are judged against."""
        if until not in self.references:
            self.references[until] = self._reference(until)
        return self.references[until]

    def _reference(self, until: int) -> Reference:
        """A model's rows, scored by models that had not seen their week."""
        stream, week = self.stream, self.stream.day // 7 % FOLDS
        known, score = stream.day < until, np.zeros(len(stream.y))
        for fold in range(FOLDS):
            score[week == fold] = self.fitted(known & (week != fold))[week == fold]
        picked = np.flatnonzero(known)
        picked = picked[np.linspace(0, len(picked) - 1, min(REFERENCE_ROWS, len(picked))).astype(np.int64)]
        rows = self.table(picked, score)
        manifest = {"features": stream.features(), "task": "binary", "objective": "log_loss"}
        return Reference(manifest, rows, chunks_of(rows))

    def table(self, rows: "Places", score: "Floats") -> "pa.Table":
        """Rows as the monitor is given them, with their label."""
        import pyarrow as pa

        table = self.stream.table(self.stream.x[rows], score[rows], self.stream.day[rows])
        return table.append_column("label", pa.array(self.stream.y[rows].astype(np.float64)))


@dataclass
class Course:
    """How a policy went.

    Attributes:
        serving: which model answers a period.
        retrains: trainings after the first.
        story: a line a training.
    """

    serving: dict[int, int]
    retrains: int = 0
    story: list[str] = field(default_factory=list)


def regret(stream: "Stream") -> dict[str, Any]:
    """Total log loss from the first release on, a row, by policy; and how often each trained again."""
    life, periods = Life(stream), int(stream.period.max()) + 1
    first = life.end(FIRST - 1)
    courses = {
        "ours": arbited(life, periods, DECLARED),
        "defaults": arbited(life, periods, {}),
        "judged_monthly": arbited(life, periods, MONTHLY),
        "monthly": Course({p: life.end(p - 1) for p in range(FIRST, periods)}, periods - 1 - FIRST),
        "never": Course(dict.fromkeys(range(FIRST, periods), first)),
    }
    losses = {name: _losses(life, course) for name, course in courses.items()}
    day = np.concatenate([stream.day[life.rows(p)] for p in range(FIRST, periods)])
    low, high = interval(losses["never"] - losses["ours"], day)
    return {
        **{name: float(each.mean()) for name, each in losses.items()},
        **{f"retrains_{name}": course.retrains for name, course in courses.items()},
        "saved_low": low,
        "saved_high": high,
        "by_period": _by_period(life, courses, periods),
        "story": {name: courses[name].story for name in ("ours", "defaults", "judged_monthly")},
    }


def arbited(life: Life, periods: int, declared: dict[str, Any]) -> Course:
    """The arbiter asks, and evidence decides: as the platform does it, with the judged model released."""
    model = Model.model_validate(
        {"name": "stream", "target": {"column": "y"}, "features": ["x"], "objective": "log_loss", **declared}
    )
    holdout, champion = model.train.holdout.days, life.end(FIRST - 1)
    course = Course({FIRST: champion})
    released = _clock(champion)
    requests = [Request(released, _labels(life, FIRST - 1))]
    seen: tuple[list[Window], list[Window]] = ([], [])
    for period in range(FIRST, periods - 1):
        now = life.end(period)
        if "drift" in model.retrain.causes:
            for windows, window in zip(seen, watched(life, champion, period), strict=True):
                windows.append(window)
        evidence = Evidence(
            clock=_clock(now),
            labels=_labels(life, period),
            history=_clock(now) - START,
            champion=Champion(champion, _clock(champion), released),
            requests=tuple(requests),
            drift=tuple(seen[0]),
            performance=tuple(seen[1]),
        )
        decision = decide(model, evidence)
        if decision.retrain:
            helped = _better(life, champion, now - holdout, now, model.evaluate.confidence)
            request = decision.request(evidence)
            requests.append(Request(**{**vars(request), "outcome": "helped" if helped else "refused"}))
            course.retrains += 1
            course.story.append(f"{period}: {', '.join(decision.causes)}: {'released' if helped else 'refused'}")
            if helped:
                champion, released = now - holdout, _clock(now)
        course.serving[period + 1] = champion
    return course


def watched(life: Life, champion: int, period: int) -> tuple[Window, Window]:
    """A period's drift and performance, as the monitor judges them."""
    reference, rows = life.reference(champion), life.rows(period)
    life.loss(champion)
    table = life.table(rows, life.scores[champion])
    judged = drift(table, reference).row(), performance(table, len(rows), reference).row()
    fault = judged[0]["faulty"]
    unlike, worse = (
        Window(
            name=str(period),
            end=_clock(life.end(period)),
            alarm=bool(row["alarm"]),
            figure=float(row["figure"]),
            threshold=float(row["threshold"]),
            measure=row["figure_name"],
            version=champion,
            fault=fault,
        )
        for row in judged
    )
    return unlike, worse


def _better(life: Life, champion: int, start: int, end: int, confidence: float) -> bool:
    """Of the held-out days, which neither model may have seen: the paired interval is clear of zero."""
    if champion > start:
        return False
    rows = np.flatnonzero((life.stream.day >= start) & (life.stream.day < end))
    gain = life.loss(champion)[rows] - life.loss(start)[rows]
    return interval(gain, life.stream.day[rows], confidence=confidence)[0] > 0


def _labels(life: Life, period: int) -> int:
    return int((life.stream.period <= period).sum())


def _clock(day: int) -> datetime:
    return START + timedelta(days=day)


def _losses(life: Life, course: Course) -> "Floats":
    return np.concatenate([life.loss(until)[life.rows(period)] for period, until in sorted(course.serving.items())])


def _by_period(life: Life, courses: dict[str, Course], periods: int) -> dict[str, list[float]]:
    def of(course: Course) -> list[float]:
        return [round(float(life.loss(course.serving[p])[life.rows(p)].mean()), 4) for p in range(FIRST, periods)]

    return {name: of(course) for name, course in courses.items()}


def interval(gain: "Floats", day: "Places", *, confidence: float = 0.95, resamples: int = 500) -> tuple[float, float]:
    """Of the mean gain a row, by resampled days."""
    _, code = np.unique(day, return_inverse=True)
    sums, sizes = np.bincount(code, gain), np.bincount(code)
    drawn = np.random.default_rng(0).integers(0, len(sums), (resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
