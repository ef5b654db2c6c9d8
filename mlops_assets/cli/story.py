"""What happened in each batch of a model's dataset, read back from what the rooms recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from mlops_assets import keys
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.monitor.history import latest, timeline
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.lineage import Record

Clocks = tuple[bool, dict[str, datetime]]
"""Whether rows have no event time, so that requests are dated by the wall's clock; and the moment of each batch."""


@dataclass(frozen=True)
class Chapter:
    """One batch.

    Attributes:
        champion: the version in force after the batch; None before the first.
        verdict: on the challenger that the batch led to, if any.
        causes: of the request for it.
        auc: of the champion's predictions of the batch, on the labels matured by its end.
        drift: the figure of the detector nearest to its threshold, or furthest over it.
        drift_faulty: the features at fault, each with its kind, as in `temp (nulls)`; None when none is.
    """

    month: str
    rows_in: int
    clean: int
    quarantined: int
    merged: int
    champion: int | None
    verdict: str | None
    causes: tuple[str, ...]
    auc: float | None
    drift: float | None
    drift_threshold: float | None
    drift_alarm: bool | None
    drift_faulty: str | None
    interval: tuple[float, float] | None
    failed: str | None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


class Story:
    """The chapters of one model's dataset."""

    def __init__(self, stores: Stores, instance: dg.DagsterInstance, *, model: str, dataset: str) -> None:
        """Nothing is read until a chapter is asked for."""
        self.stores = stores
        self.instance = instance
        self.model = model
        self.dataset = dataset
        self._read: dict[int, Clocks] = {}

    def chapter(self, batch: str, *, seconds: float = 0.0) -> Chapter:
        """What happened in a batch."""
        rows = self._rows(batch)
        requests = [r for r in self._records("retrain_request") if self._batch_of(r.body["clock"]) == batch]
        verdict = next(self._following("verdict", requests), None)
        performance = self._figures("performance_report", batch)
        drift = self._figures("drift_report", batch)
        return Chapter(
            month=batch,
            rows_in=rows.get("rows_in", 0),
            clean=rows.get("clean", 0),
            quarantined=rows.get("quarantined", 0),
            merged=rows.get("merged", 0),
            champion=self._champion(requests, batch),
            verdict=verdict.body["decision"] if verdict else None,
            causes=tuple(cause for r in requests for cause in r.body["causes"]),
            auc=performance.get("roc_auc"),
            drift=drift.get("figure"),
            drift_threshold=drift.get("threshold"),
            drift_alarm=drift.get("alarm"),
            drift_faulty=drift.get("faulty") or None,
            interval=_interval(verdict),
            failed=self._failed(batch),
            seconds=seconds,
        )

    def batches(self) -> list[str]:
        """The batches that have been taken in."""
        table = keys.table(self.dataset, "clean")
        lake = self.stores.lake()
        return lake.batches(table) if lake.exists(table) else []

    def _rows(self, batch: str) -> dict[str, int]:
        key = dg.AssetKey(list(keys.key(self.dataset, "quarantine")))
        found = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=key, asset_partitions=[batch]), limit=1
        ).records
        if not found or found[0].asset_materialization is None:
            return {}
        metadata = found[0].asset_materialization.metadata
        names = ("rows_in", "clean", "quarantined", "merged")
        return {name: int(str(metadata[name].value)) for name in names if name in metadata}

    def _records(self, kind: str) -> list[Record]:
        return self.stores.lineage().records(kind=kind, subject=self.model)

    def _following(self, kind: str, requests: list[Record]) -> Iterator[Record]:
        for request in requests:
            later = [r.sequence for r in self._records("retrain_request") if r.sequence > request.sequence]
            until = min(later, default=None)
            for record in self._records(kind):
                if record.sequence > request.sequence and (until is None or record.sequence < until):
                    yield record

    def _champion(self, requests: list[Record], batch: str) -> int | None:
        released = list(self._following("release", requests))
        if not released:
            order = list(self._clocks()[1])
            told = order[: order.index(batch) + 1] if batch in order else []
            before = [r for r in self._records("retrain_request") if self._batch_of(r.body["clock"]) in told]
            released = [record for request in before for record in self._following("release", [request])]
        return int(released[-1].body["version"]) if released else None

    def _batch_of(self, clock: str) -> str | None:
        """The batch by whose end a request's moment had come."""
        moment, (timeless, clocks) = datetime.fromisoformat(clock), self._clocks()
        if timeless:
            return next((batch for batch, written in reversed(clocks.items()) if written <= moment), None)
        return next((batch for batch, newest in clocks.items() if moment <= newest), None)

    def _clocks(self) -> Clocks:
        """Of the newest version of the labels, read once."""
        lake, table = self.stores.lake(), keys.table(self.model, "labels")
        if not lake.exists(table):
            return True, {}
        version = lake.version(table)
        if version not in self._read:
            self._read = {version: _clocks(lake, table)}
        return self._read[version]

    def _figures(self, stage: str, batch: str) -> Mapping[str, Any]:
        lake, table = self.stores.lake(), keys.table(self.model, stage)
        if not lake.exists(table):
            return {}
        rows = lake.read(table, batches=[batch]).to_pylist() or self._ended_in(stage, batch)
        return rows[-1] if rows else {}

    def _ended_in(self, stage: str, batch: str) -> list[dict[str, Any]]:
        """The windows that are no batches, and ended in one."""
        rows = latest(timeline(self.stores.lake(), self.model, stage))
        cut = [row for row in rows if row["window_end"] is not None and row["window"] not in self.batches()]
        return [dict(row) for row in cut if self._batch_of(row["window_end"].isoformat()) == batch]

    def _failed(self, batch: str) -> str | None:
        tags = {"mlops/dataset": self.dataset, "mlops/batch": batch}
        newest = self.instance.get_runs(filters=dg.RunsFilter(tags=tags), limit=1)
        return newest[0].run_id if newest and newest[0].status is dg.DagsterRunStatus.FAILURE else None


def _interval(verdict: Record | None) -> tuple[float, float] | None:
    """Of the difference between challenger and champion in the objective."""
    gate = Verdict.of(verdict.body).gate("objective") if verdict else None
    if gate is None or gate.low is None or gate.high is None:
        return None
    return (gate.low, gate.high)


def _clocks(lake: Lake, table: str) -> Clocks:
    """Each batch and the newest event time seen by its end, or when it was written where rows have none."""
    if lake.after(table, "event_time") is None:
        written = ((v["batch"], datetime.fromisoformat(v["time"])) for v in lake.history(table) if "batch" in v)
        return True, dict(sorted(written, key=lambda each: each[1]))
    with sql.session() as connection:
        query = f"select _batch, max(event_time) from {lake.scan(table)} group by 1 order by 2"
        return False, dict(connection.execute(query).fetchall())
