"""What retraining by the arbiter costs and saves on a stream, against retraining every period and never."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.served import START, Served, clock, plan, scored, verdict
from mlops_assets.rooms.monitor.drift import drift
from mlops_assets.rooms.monitor.performance import performance
from mlops_assets.rooms.monitor.reference import Reference, chunks_of
from mlops_assets.rooms.retrain.arbiter import decide
from mlops_assets.rooms.retrain.evidence import Champion, Evidence, Request, Window

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from benchmarks.streams import Floats, Places, Stream
    from mlops_assets.spec.plan import ModelPlan

FIRST: Final = 3
"""Periods of the first training."""
LEAST: Final = 1e-6
FOLDS: Final = 3
REFERENCE_ROWS: Final = 20_000
SHORTEST: Final = 14
"""Days of one champion in a period that are worth a judgement."""

DECLARED: Final[dict[str, Any]] = {
    "train": {"refit": True, "blend": 1 / 3},
    "evaluate": {"proof": "not_worse"},
    "retrain": {"new_data": 0.4, "backoff": 1},
}
"""Of a young model whose data grow: two fifths more labels a cause, released unless it is clearly worse."""
MONTHLY: Final[dict[str, Any]] = {**DECLARED, "retrain": {"causes": ["schedule"], "every": "1d", "cooldown": "1d"}}
"""The same, but asked at the end of every period and never else."""


@dataclass
class Life:
    """Models of a stream, by the day before which their rows end.

    Attributes:
        stream: its rows.
        scores: answers to every row, a fit.
        references: what its windows are judged against, a model.
    """

    stream: "Stream"
    scores: dict[int, "Floats"] = field(default_factory=dict)
    references: dict[int, Reference] = field(default_factory=dict)

    def score(self, served: Served) -> "Floats":
        """Answers to all rows."""
        own = self._scored(served.until)
        return own if served.before is None else (1 - served.weight) * own + served.weight * self._scored(served.before)

    def loss(self, served: Served, rows: "Places") -> "Floats":
        """Log loss of some rows."""
        said = self.score(served)[rows]
        return -np.log(np.maximum(np.where(self.stream.y[rows] == 1, said, 1 - said), LEAST))

    def _scored(self, until: int) -> "Floats":
        if until not in self.scores:
            self.scores[until] = self.fitted(self.stream.day < until)
        return self.scores[until]

    def fitted(self, rows: "NDArray[np.bool_]") -> "Floats":
        """Answers to all rows, of a model of some."""
        answers: Floats = self.stream.fit(np.flatnonzero(rows)).predict_proba(self.stream.x)[:, 1]
        return answers

    def rows(self, start: int, end: int) -> "Places":
        """Of the days from one up to another."""
        return np.flatnonzero((self.stream.day >= start) & (self.stream.day < end))

    def ends(self) -> list[int]:
        """The day after each period's last, from that of the first training on."""
        stream = self.stream
        return [int(stream.day[stream.period == p].max()) + 1 for p in range(FIRST - 1, int(stream.period.max()) + 1)]

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
        serving: what answers, from a day on.
        story: a line a training after the first.
    """

    serving: dict[int, Served]
    story: list[str] = field(default_factory=list)


def regret(stream: "Stream") -> dict[str, Any]:
    """Total log loss from the first release on, a row, by policy; and how often each trained again."""
    life = Life(stream)
    ends = life.ends()
    first, again, days = Served(ends[0]), ends[1:-1], range(ends[0], ends[-1])
    weight = DECLARED["train"]["blend"]
    courses = {
        "ours": arbited(life, DECLARED, days),
        "defaults": arbited(life, {}, days),
        "judged_monthly": arbited(life, MONTHLY, ends[:-1]),
        "monthly": Course({ends[0]: first, **{end: Served(end) for end in again}}, [str(end) for end in again]),
        "monthly_blended": Course(_blended(ends[:-1], weight), [str(end) for end in again]),
        "never": Course({ends[0]: first}),
    }
    losses = {name: _losses(life, course, ends[-1]) for name, course in courses.items()}
    day = stream.day[life.rows(ends[0], ends[-1])]
    saved, behind = interval(losses["never"] - losses["ours"], day), interval(losses["ours"] - losses["monthly"], day)
    return {
        **{name: float(each.mean()) for name, each in losses.items()},
        **{f"retrains_{name}": len(course.story) for name, course in courses.items()},
        "saved_low": saved[0],
        "saved_high": saved[1],
        "behind_low": behind[0],
        "behind_high": behind[1],
        "by_period": {name: _by_period(loss, day, ends) for name, loss in losses.items()},
        "story": {name: courses[name].story for name in ("ours", "defaults", "judged_monthly")},
    }


def _blended(ends: list[int], weight: float) -> dict[int, Served]:
    beside = [Served(end, before, weight) for before, end in pairwise(ends)]
    return {ends[0]: Served(ends[0])} | {each.until: each for each in beside}


def arbited(life: Life, declared: dict[str, Any], asked: Iterable[int]) -> Course:
    """The arbiter is asked on these days and evidence decides: as the platform does it, with its own functions."""
    known, first, ends = plan(declared), life.ends()[0], life.ends()
    number, champion, released = 1, Served(first), first
    course, requests = Course({first: champion}), [Request(clock(first), _labels(life, first))]
    seen: tuple[list[Window], list[Window]] = ([], [])
    for now in asked:
        if now in ends[1:] and "drift" in known.model.retrain.causes:
            start = max(ends[ends.index(now) - 1], released)
            judged = watched(life, champion, number, (start, now)) if now - start >= SHORTEST else ()
            for windows, window in zip(seen, judged, strict=False):
                windows.append(window)
        evidence = Evidence(
            clock=clock(now),
            labels=_labels(life, now),
            history=clock(now) - START,
            champion=Champion(number, clock(champion.until), clock(released)),
            requests=tuple(requests),
            drift=tuple(seen[0]),
            performance=tuple(seen[1]),
        )
        decision = decide(known.model, evidence)
        if not decision.retrain or now == first:
            continue
        made, refused = challenged(life, known, champion, number, now)
        outcome = "refused" if refused else "helped"
        requests.append(Request(**{**vars(decision.request(evidence)), "outcome": outcome}))
        course.story.append(f"day {now}: {', '.join(decision.causes)}: {refused or 'released'}")
        if not refused:
            number, champion, released = number + len(requests), made, now
            course.serving[now] = made
    return course


def challenged(life: Life, known: "ModelPlan", champion: Served, number: int, now: int) -> tuple[Served, str]:
    """A challenger of the rows up to now, and which gates refuse it, or its twin where it learns from them all."""
    declared = known.model.train
    start = now - declared.holdout.days
    beside = (champion.until, declared.blend) if declared.blend else (None, 0.0)
    rows, twin = life.rows(start, now), Served(start, *beside)
    pair = scored(number + 1, life.score(twin)[rows], start), scored(number, life.score(champion)[rows], champion.until)
    judged = verdict(known, life.stream.y[rows], life.stream.day[rows], *pair)
    refused = "" if judged.accepted else ", ".join(gate.name for gate in judged.failed())
    return (Served(now, *beside) if declared.refit else twin), refused


def watched(life: Life, champion: Served, number: int, days: tuple[int, int]) -> tuple[Window, Window]:
    """The drift and performance of some days, as the monitor judges them."""
    reference, rows = life.reference(champion.until), life.rows(*days)
    table = life.table(rows, life.score(champion))
    judged = drift(table, reference).row(), performance(table, len(rows), reference).row()
    fault = judged[0]["faulty"]
    unlike, worse = (
        Window(
            name=str(days[1]),
            end=clock(days[1]),
            alarm=bool(row["alarm"]),
            figure=float(row["figure"]),
            threshold=float(row["threshold"]),
            measure=row["figure_name"],
            version=number,
            fault=fault,
        )
        for row in judged
    )
    return unlike, worse


def _labels(life: Life, now: int) -> int:
    return int((life.stream.day < now).sum())


def _losses(life: Life, course: Course, end: int) -> "Floats":
    turns = [*sorted(course.serving), end]
    parts = pairwise(turns)
    return np.concatenate([life.loss(course.serving[a], life.rows(a, b)) for a, b in parts])


def _by_period(loss: "Floats", day: "Places", ends: list[int]) -> list[float]:
    parts = pairwise(ends)
    return [round(float(loss[(day >= a) & (day < b)].mean()), 4) for a, b in parts]


def interval(gain: "Floats", day: "Places", *, confidence: float = 0.95, resamples: int = 500) -> tuple[float, float]:
    """Of the mean gain a row, by resampled days."""
    _, code = np.unique(day, return_inverse=True)
    sums, sizes = np.bincount(code, gain), np.bincount(code)
    drawn = np.random.default_rng(0).integers(0, len(sums), (resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
