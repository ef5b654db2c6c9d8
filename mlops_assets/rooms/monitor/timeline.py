"""The life of a model on one page: data, drift, estimate, truth, releases and requests over one axis of time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.rooms.evaluate.report import STYLE
from mlops_assets.rooms.evaluate.tables import table_html
from mlops_assets.rooms.monitor import history
from mlops_assets.rooms.monitor.lanes import Lane, Mark, svg
from mlops_assets.rooms.monitor.story import Story
from mlops_assets.stores import sql

if TYPE_CHECKING:
    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake
    from mlops_assets.stores.lineage import Lineage, Record
    from mlops_assets.stores.reports import Report, Reports

FIRST: Final = "FIRST_MODEL"
CAME: Final = {"helped": "better, and took over", "refused": "refused", "failed": "failed", "open": "still open"}
PAGE: Final = "timeline"
SEEN: Final = ("window", "did it change?", "how good were the answers?", "what was done about it")
ASKED: Final = ("asked", "because", "what came of it")
RELEASED: Final = ("released", "version", "by")
SHORT: Final = {"demand": "asked", "performance": "worse", "new_data": "data"}


def place(model: str) -> tuple[keys.Key, str]:
    """Key and version under which a model's timeline is kept: always the newest."""
    return keys.key(model, "retrain_request"), PAGE


def save(lake: "Lake", lineage: "Lineage", reports: "Reports", plan: "ModelPlan") -> "Report":
    """Draw it anew."""
    key, version = place(plan.name)
    return reports.save(key, version, timeline(lake, lineage, reports, plan))


def timeline(lake: "Lake", lineage: "Lineage", reports: "Reports", plan: "ModelPlan") -> str:
    """The page, self-contained."""
    told = _Life(lake, lineage, reports, plan.name)
    lanes = [told.data(), told.drift(), told.estimate(), told.truth(), told.releases(), told.requests()]
    picture = svg(lanes) or "<p>Nothing with a time has happened yet.</p>"
    title = escape(f"{plan.name}: timeline")
    parts = [
        f"<h1>{title}</h1><p class=sub>by the data's own clock; a mark opens its report</p>",
        f"<div class='word {told.mood}'><b>{escape(told.words)}</b></div>",
        f"<h2>What happened</h2>{picture}",
        f"<h2>Windows, and what was done about them</h2>{table_html(SEEN, told.story.seen())}",
        f"<h2>Requests for a challenger</h2>{table_html(ASKED, told.story.asked())}",
        f"<h2>Releases</h2>{table_html(RELEASED, told.story.released())}",
    ]
    head = f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title><style>{STYLE}</style></head>"
    return f"{head}<body>{''.join(parts)}</body></html>"


@dataclass(frozen=True)
class _Life:
    lake: "Lake"
    lineage: "Lineage"
    reports: "Reports"
    model: str

    @cached_property
    def story(self) -> Story:
        """Of windows, requests and releases."""
        return Story(self._windows, self._records, self._link)

    @property
    def words(self) -> str:
        """The year in a sentence or two."""
        drift, truth = self._windows["drift_report"], self._windows["performance_report"]
        releases = self._records("release")
        champion = f"Version {releases[-1].body['version']} is in force" if releases else "No model is released yet"
        broken = sum(bool(row.get("fault")) for row in drift)
        alarms = (
            f"{_alarms(drift)} of {len(drift)} windows had drifted{f', {broken} held broken data' if broken else ''}"
        )
        worse = _alarms(truth)
        answered = f"{worse} of {len(truth)} {'was' if worse == 1 else 'were'} answered worse than they should be"
        return f"{champion}. {alarms}, {answered}. {self._asked()}"

    def _asked(self) -> str:
        """How often a challenger was asked for since the first model, and what came of it."""
        came = self.story.outcomes()
        asked = [came.get(record.body["key"], {}) for record in self._records("retrain_request")]
        later = [each.get("outcome", "open") for each in asked if each.get("decision") != FIRST]
        if not later:
            return "No challenger has been asked for since the first model."
        said = [f"{later.count(outcome)} {words}" for outcome, words in CAME.items() if outcome in later]
        times = "once" if len(later) == 1 else f"{len(later)} times"
        return f"A challenger was asked for {times} since the first model: {', '.join(said)}."

    @property
    def mood(self) -> str:
        newest = (self._windows["performance_report"] or [{}])[-1]
        return "no" if newest.get("alarm") else "yes"

    def data(self) -> Lane:
        table = keys.table(self.model, "labels")
        if not self.lake.exists(table):
            return Lane("rows", (), "bar")
        query = f"select _batch, count(*), max(event_time) from {self.lake.scan(table)} group by 1 order by 3"
        with sql.session() as connection:
            rows = connection.execute(query).fetchall()
        marks = [Mark(_utc(at), count, f"{batch}: {count:,} rows") for batch, count, at in rows if at is not None]
        return Lane("rows", marks, "bar")

    def drift(self) -> Lane:
        """The figure over its threshold: above one is an alarm."""
        marks = []
        for row in self._windows["drift_report"]:
            ratio = row["figure"] / row["threshold"] if row["threshold"] else float("nan")
            if row["window_end"] is not None and math.isfinite(ratio):
                said = f"{row['window']}: {row['figure_name']} {row['figure']:.4f} of {row['threshold']:.4f}"
                said += f"; broken: {row['faulty']}" if row.get("fault") else ""
                link, rings = self._link("drift_report", row["window"]), bool(row["alarm"] or row.get("fault"))
                marks.append(Mark(_utc(row["window_end"]), ratio, said, alarm=rings, link=link))
        return Lane("drift / threshold", marks, "dot", level=1.0)

    def estimate(self) -> Lane:
        """With its back-tested error."""
        marks = []
        for row in self._windows["performance_report"]:
            figure, error = row.get("estimate"), row.get("estimate_error")
            if row["window_end"] is None or figure is None or error is None or not math.isfinite(figure + error):
                continue
            said = (
                f"{row['window']}: {row['estimate_name']} estimated at {figure:.3f}, off by {error:.3f} in back-tests"
            )
            low, high = figure - error, figure + error
            link = self._link("performance_report", row["window"])
            marks.append(Mark(_utc(row["window_end"]), figure, said, low=low, high=high, link=link))
        return Lane("estimate", marks, "dot")

    def truth(self) -> Lane:
        """The metric that was watched, with its interval over days."""
        rows = [row for row in self._windows["performance_report"] if row["window_end"] is not None]
        watched = _watched(rows)
        marks = [mark for row in rows if (mark := self._judged(row, watched))]
        return Lane(f"truth: {watched}" if watched else "truth", marks, "dot")

    def _judged(self, row: Mapping[str, Any], watched: str) -> Mark | None:
        figure = row.get(watched)
        if figure is None or not math.isfinite(figure):
            return None
        low, high = row.get(f"{watched}_low"), row.get(f"{watched}_high")
        known = low is not None and high is not None and math.isfinite(low + high)
        said = f"{row['window']}: {watched} {figure:.3f} by version {row['model_version']}, {row['matured']:,} labels"
        return Mark(
            _utc(row["window_end"]),
            figure,
            said,
            alarm=bool(row["alarm"]),
            low=low if known else None,
            high=high if known else None,
            link=self._link("performance_report", row["window"]),
        )

    def releases(self) -> Lane:
        marks = [
            Mark(
                _moment(record.body.get("at"), record.at),
                0,
                f"version {record.body['version']}: {record.body.get('decision', '')}",
                label=f"v{record.body['version']}",
                link=self._link("champion", f"v{record.body['version']}"),
            )
            for record in self._records("release")
        ]
        return Lane("releases", marks, "flag")

    def requests(self) -> Lane:
        outcomes = self.story.outcomes()
        marks = []
        for record in self._records("retrain_request"):
            body, come = record.body, outcomes.get(record.body["key"], {})
            said = f"{body['reason']}: {come.get('reason', 'open')}"
            cause = SHORT.get(body["causes"][0], body["causes"][0]) if body["causes"] else ""
            fruitless = come.get("outcome") in ("refused", "failed")
            at, link = _moment(body["clock"], record.at), self.story.evidence(body)
            marks.append(Mark(at, 0, said, alarm=fruitless, label=cause, link=link))
        return Lane("requests", marks, "flag")

    @cached_property
    def _windows(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        stages = ("drift_report", "performance_report")
        return {stage: history.latest(history.timeline(self.lake, self.model, stage)) for stage in stages}

    def _records(self, kind: str) -> "list[Record]":
        return self.lineage.records(kind=kind, subject=self.model)

    def _link(self, stage: str, version: str) -> str:
        return self.reports.url(keys.key(self.model, stage), version)


def _alarms(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(bool(row["alarm"]) for row in rows)


def _watched(rows: Sequence[Mapping[str, Any]]) -> str:
    """The metric of the truth: the one that is watched, by the name that the newest row gives it."""
    names = [str(row["watched"]) for row in rows if row.get("watched")]
    return names[-1] if names else ""


def _moment(text: str | None, otherwise: str) -> datetime:
    return _utc(datetime.fromisoformat(text or otherwise))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
