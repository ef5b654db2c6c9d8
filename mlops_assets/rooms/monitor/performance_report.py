"""The truth about a window: judged by the labels known so far, and again when more of them have matured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.label.maturity import clock
from mlops_assets.rooms.monitor import history, window, words
from mlops_assets.rooms.monitor.contest import Figure, contest, contestants
from mlops_assets.rooms.monitor.contest_page import sections
from mlops_assets.rooms.monitor.cutting import answers
from mlops_assets.rooms.monitor.estimate import Estimate, estimate
from mlops_assets.rooms.monitor.judged import Judged, answered, head, looked_at
from mlops_assets.rooms.monitor.maturing import Maturity, maturity
from mlops_assets.rooms.monitor.page import STORY, Page
from mlops_assets.rooms.monitor.performance import PerformanceFigures, performance
from mlops_assets.rooms.monitor.pictures import performance_picture
from mlops_assets.rooms.monitor.season import matched
from mlops_assets.rooms.train.fit import manifest_of
from mlops_assets.rooms.train.inputs import frame, from_manifest
from mlops_assets.rooms.train.metrics import said_and_happened
from mlops_assets.rooms.train.threads import one_thread
from mlops_assets.stores.reports import safe

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.rooms.monitor.reference import Reference
    from mlops_assets.rooms.train.metric import Floats
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.labels import LabelStore
    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.predictions import PredictionLog
    from mlops_assets.stores.registry import Registry


@dataclass(frozen=True)
class Court:
    """The stores that a judgement needs, and the model that is judged."""

    lake: "Lake"
    registry: "Registry"
    log: "PredictionLog"
    labels: "LabelStore"
    plan: "ModelPlan"

    def past(self) -> list[dict[str, Any]]:
        """Every judgement so far, the oldest window first."""
        return history.timeline(self.lake, self.plan.name, "performance_report")


def reopened(court: Court, besides: "Sequence[str]") -> list[str]:
    """The windows of which more labels have matured since they were last judged, the oldest first."""
    cutoff = clock(court.lake, court.plan.dataset)
    waiting = [row for row in history.latest(court.past()) if row.get("pending") and row["window"] not in besides]
    found = []
    for row in waiting:
        given = answers(court.lake, court.log, court.plan, row["window"])
        if maturity(court.labels, court.plan, given, cutoff).matured > row["matured"]:
            found.append(row["window"])
    return found


def judge_performance(court: Court, name: str) -> Judged:
    """Judge the answers of a window by the labels known by the data's own clock."""
    plan, past = court.plan, court.past()
    given, known = answered(court.lake, court.registry, court.log, plan, name)
    cutoff = clock(court.lake, plan.dataset)
    truth = maturity(court.labels, plan, given, cutoff)
    known_labels = window.with_labels(court.labels, plan, given, cutoff)
    rate, seed, begins = plan.model.monitor.false_alarm_rate, plan.model.train.seed, head(name, given)
    against = matched(known, begins["window_start"], begins["window_end"])
    figures = performance(known_labels, given.num_rows, against.reference, false_alarm_rate=rate, seed=seed)
    earlier = [row for row in past if row["window"] == name]
    start = {**begins, "label_cutoff": cutoff, "judgement": _number(earlier, truth, cutoff)}
    before = history.before(court.lake, plan.name, "performance_report", start)
    guess = estimate(known.task.read(given), known, before)
    row = {**start, **figures.row(), **truth.row(), **guess.row(), **against.row()}
    judged = _contest(court, known_labels, known, row) if figures.figures else []
    shown = _Shown(figures, truth, guess, judged, row, earlier)
    scores, outcomes = known.task.read(known_labels), known.task.outcomes(known_labels["label"])
    picture = performance_picture(*said_and_happened(outcomes, scores), [*before, row], known.watched)
    return Judged(row, shown.words, not figures.alarm, picture, shown.page(plan.name, picture))


def _number(earlier: Sequence[Mapping[str, Any]], truth: Maturity, cutoff: datetime | None) -> int:
    """Of a judgement: one more when more labels have matured by a later cut-off; else the last one is made again."""
    if not earlier:
        return 1
    last = max(earlier, key=lambda row: row.get("judgement") or 1)
    later = cutoff is not None and last["label_cutoff"] is not None and cutoff > last["label_cutoff"]
    number = int(last.get("judgement") or 1)
    return number + 1 if later and truth.matured > last["matured"] else number


def _contest(court: Court, matured: "pa.Table", known: "Reference", row: Mapping[str, Any]) -> list[Figure]:
    """Champion, baseline and the newest challenger that was trained before the window, on the matured rows."""
    champion = f"version {row['model_version']}"
    scores = contestants(champion, known.task.read(matured), known)
    rows = window.with_features(court.lake, court.plan, matured, kept=("label",))
    rival = _challenger(court, rows, known, row)
    return contest(
        scores | rival, rows, known, slices=court.plan.model.evaluate.slices, seed=court.plan.model.train.seed
    )


def _challenger(court: Court, rows: "pa.Table", known: "Reference", row: Mapping[str, Any]) -> "dict[str, Floats]":
    versions = court.registry.versions(court.plan.name)
    if not versions or versions[-1].number == row["model_version"]:
        return {}
    bundle = court.registry.load(versions[-1])
    manifest = manifest_of(bundle.files)
    until, start = manifest.get("trained_until"), row["window_start"]
    inputs = from_manifest(manifest)
    if not until or start is None or datetime.fromisoformat(until) >= start:
        return {}
    if any(feature.name not in rows.column_names for feature in inputs):
        return {}
    with one_thread():
        said = known.task.scores(bundle.pipeline, frame(rows, inputs))
    return {f"version {versions[-1].number} (challenger)": said}


@dataclass(frozen=True)
class _Shown:
    figures: PerformanceFigures
    truth: Maturity
    guess: Estimate
    judged: Sequence[Figure]
    row: Mapping[str, Any]
    earlier: Sequence[Mapping[str, Any]]

    @property
    def words(self) -> str:
        """The verdict, and what is not known yet."""
        return f"{words.performance_words(self.figures)} {self._known}"

    @property
    def _known(self) -> str:
        again = "" if self.row["judgement"] == 1 else f" Judged for the {_ordinal(self.row['judgement'])} time."
        return f"{self.truth.words}{again}"

    @property
    def answers(self) -> list[tuple[str, str]]:
        """The same, by what a reader asks."""
        found = words.performance_answers(self.figures)
        return [*found, ("How much of the truth is known?", self._known)] if found else []

    def page(self, model: str, picture: bytes) -> str:
        """The whole page."""
        row = self.row
        cutoff = row["label_cutoff"]
        known_by = f"outcomes known by {cutoff:%Y-%m-%d %H:%M} UTC" if cutoff else "all outcomes there are"
        lines = [*words.performance_lines(self.figures), *words.maturity_lines(self.truth)]
        first = Page(
            title=f"{model}: performance in {row['window']}",
            subtitle=f"{looked_at(row)}; {known_by}; held against {row['reference']}",
            alarm=self.figures.alarm,
            words=self.words,
            lines=lines,
            picture=picture,
            answers=self.answers,
            links=[(f"what had changed in {row['window']}", f"../drift_report/{safe(row['window'])}.html"), STORY],
        )
        judgements = [other for other in self.earlier if other.get("judgement", 1) != row["judgement"]]
        return first.html(*sections(self.judged, self.guess, [*judgements, row], self.figures.watched.name))


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
