"""What was seen of each window and what was done about it, what was asked for and what came of it: rows of tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.evaluate.tables import Cell, Link
from mlops_assets.rooms.evaluate.verdict import Verdict

if TYPE_CHECKING:
    from mlops_assets.stores.lineage import Record

Body = Mapping[str, Any]
CAUSES = {"drift": "drift_report", "performance": "performance_report"}
"""A cause that cites windows, and the report that it cites."""


@dataclass(frozen=True)
class Story:
    """What is on record of a model.

    Attributes:
        windows: stage to the latest judgement of each window.
        records: kind to its records, oldest first.
        url: stage and version to the page of a report.
    """

    windows: Mapping[str, Sequence[Body]]
    records: "Callable[[str], Sequence[Record]]"
    url: Callable[[str, str], str]

    def outcomes(self) -> dict[str, Body]:
        """What came of each request, by its key."""
        return {record.body["request"]: record.body for record in self.records("retrain_outcome")}

    def seen(self) -> list[tuple[Cell, ...]]:
        """A row a window, the newest first: what changed, how good its answers were, what was done about it."""
        truths = {row["window"]: row for row in self.windows["performance_report"]}
        drifts = {row["window"]: row for row in self.windows["drift_report"]}
        return [
            (name, self._drift(drifts.get(name)), self._truth(truths.get(name)), "; ".join(self.done(name, drifts)))
            for name in reversed(list(dict.fromkeys([*drifts, *truths])))
        ]

    def done(self, window: str, drifts: Mapping[str, Body]) -> Iterator[str]:
        """Why a window's alarms asked for nothing at first, what they asked for, and what came of that."""
        if (drifts.get(window) or {}).get("fault"):
            yield "broken data: to be mended at the source, and nothing is learnt from them"
        cited = {f"{cause}:{window}" for cause in CAUSES}
        held = [
            record.body["reason"]
            for record in self.records("retrain_decision")
            if not record.body["retrain"]
            and any(cited & set(found.get("windows", ())) for found in record.body["findings"])
        ]
        if held:
            yield f"held back: {held[-1]}"
        for record in self.records("retrain_request"):
            if cited & set(record.body.get("windows", ())):
                yield f"a challenger was asked for on {record.body['clock'][:10]}: {self._came(record.body)}"

    def asked(self) -> list[tuple[Cell, ...]]:
        """A row a request, the newest first, with its evidence and its verdict a click away."""
        return [
            (body["clock"][:10], Link(body["reason"], self.evidence(body)), Link(self._came(body), self._verdict(body)))
            for body in (record.body for record in reversed(self.records("retrain_request")))
        ]

    def released(self) -> list[tuple[Cell, ...]]:
        """A row a release, the newest first."""
        return [
            (_day(record), Link(f"v{number}", self.url("champion", f"v{number}")), _by(record.body))
            for record in reversed(self.records("release"))
            for number in [record.body["version"]]
        ]

    def evidence(self, request: Body) -> str:
        """The page of the newest window that a request rests on; empty: it rests on none."""
        cited = [window.partition(":") for window in request.get("windows", ())]
        pages = [self.url(CAUSES[cause], window) for cause, _, window in cited if cause in request["causes"]]
        return pages[-1] if pages else ""

    def _drift(self, row: Body | None) -> Cell:
        if row is None:
            return ""
        said = "as usual"
        if row.get("fault"):
            said = f"broken: {row['faulty']}"
        elif row["alarm"]:
            said = f"{row['figure_name']} {row['figure'] / row['threshold']:.1f} times what is expected"
        return Link(said, self.url("drift_report", row["window"]))

    def _truth(self, row: Body | None) -> Cell:
        if row is None:
            return ""
        name = str(row.get("watched") or row["figure_name"])
        figure = row.get(name)
        known = figure is not None and figure == figure  # noqa: PLR0124 - NaN differs from itself
        worse = f", {row['figure_name']} worse than expected" if row["alarm"] else ""
        said = f"{name} {figure:.3f}{worse}" if known else "not known yet"
        return Link(said, self.url("performance_report", row["window"]))

    def _came(self, request: Body) -> str:
        come = self.outcomes().get(request["key"])
        return f"{come['outcome']}: {come['reason']}" if come else "its run is not over"

    def _verdict(self, request: Body) -> str:
        """The page of the verdict on a request's challenger; empty: there was none."""
        challenger = self.outcomes().get(request["key"], {}).get("challenger")
        found = [body for record in self.records("verdict") if (body := record.body)["challenger"] == challenger]
        return self.url("verdict", f"v{challenger}-{Verdict.of(found[-1]).digest[:12]}") if found else ""


def _day(record: "Record") -> str:
    return str(record.body.get("at") or record.at)[:10]


def _by(body: Body) -> str:
    return f"{body.get('decision', '')} by {body.get('who', '')}".strip()
