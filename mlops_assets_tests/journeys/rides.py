"""A small project for journeys about decisions: rides that are late or not, a rule and a logistic model, real runs."""

import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from mlops_assets import keys
from mlops_assets.cli.home import prepare, unlogged
from mlops_assets.cli.loop import Loop
from mlops_assets.cli.tick import evaluate
from mlops_assets.components.loading import load
from mlops_assets.resources import declaration
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest.landing import arrivals
from mlops_assets.rooms.ingest.sensors import Landed
from mlops_assets.rooms.retrain.ledger import REQUEST, Ledger
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores.lineage import Record

MODEL, SENSOR = "late_rides", "late_rides_retrain"
START = datetime(2024, 1, 1, tzinfo=UTC)
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
A_DAY = 30
"""Rides."""
CONTRACT = """\
import pandera.pandas as pa
from pandera.typing import Series


class Rides(pa.DataFrameModel):
    ride: Series[int]
    at: Series["datetime64[us, UTC]"]
    distance: Series[float]
    rain: Series[float] = pa.Field({rain})
    late: Series[float]
"""
DATA: Mapping[str, Any] = {
    "name": "rides",
    "source": {"files": "data/landing/rides/*.parquet"},
    "key": ["ride"],
    "event_time": "at",
    "contract": "contract:Rides",
}
TABLE: Mapping[str, Any] = {
    "name": "ride_facts",
    "dataset": "rides",
    "columns": {"distance": "distance", "rain": "rain"},
}
LIFE: Mapping[str, Any] = {
    "name": MODEL,
    "target": {"column": "late", "known_after": "1d"},
    "features": ["ride_facts"],
    "objective": "roc_auc",
    "train": {"min_labels": 200, "holdout": "10d", "candidates": ["base_rate", "logistic"]},
    "evaluate": {"resamples": 100, "gates": ["complete", "objective", "skill"]},
}


def rides(start: int, days: int, *, far: float = 0.0, told: float = 1.0, nulls: float = 0.0) -> pa.Table:
    """Rides whose lateness follows distance and rain.

    Args:
        start: the first day, counted from the first of all.
        days: how many.
        far: by how much the distances are longer: what is late follows them, and the model stays right.
        told: how lateness follows what is known; -1: as it did, the other way round.
        nulls: the share of rides whose rain nobody wrote down.
    """
    count, draw = days * A_DAY, np.random.default_rng(1_000 + start)
    distance, rain = draw.normal(size=(2, count))
    distance = distance + far
    odds = told * (1.5 * distance + rain - 0.5)
    at = [START + timedelta(days=start, minutes=48 * place) for place in range(count)]
    return pa.table(
        {
            "ride": np.arange(count) + start * A_DAY,
            "at": pa.array(at, pa.timestamp("us", tz="UTC")),
            "distance": distance,
            "rain": pa.array(np.where(draw.random(count) < nulls, np.nan, rain), from_pandas=True),
            "late": (draw.random(count) < 1 / (1 + np.exp(-odds))).astype(float),
        }
    )


@dataclass
class Town:
    """One home while it is being run, and what its sensor said."""

    home: Path
    folder: Path
    instance: dg.DagsterInstance
    loop: Loop = field(init=False)

    def __post_init__(self) -> None:
        """Start with the declaration as it lies there."""
        self.reload()

    def declare(self, *, rain: str = "ge=-9", **life: Any) -> None:
        """Write the declarations anew, and load them as a restarted code server would: no cursor is remembered."""
        (self.folder / "contract.py").write_text(CONTRACT.format(rain=rain))
        nouns = {"Dataset": DATA, "FeatureTable": TABLE, "Model": {**LIFE, **life}}
        documents = [{"type": f"mlops_assets.{noun}", "attributes": dict(given)} for noun, given in nouns.items()]
        (self.folder / "defs.yaml").write_text(yaml.safe_dump_all(documents))
        self.reload()

    def reload(self) -> None:
        """Load what is declared."""
        if (self.folder / "defs.yaml").exists():
            self.loop = Loop(self.instance, self.definitions())

    def definitions(self) -> dg.Definitions:
        """As declared now."""
        return dg.Definitions.merge(load(self.folder), dg.Definitions(resources={"stores": Stores()}))

    def arrive(self, batch: str, rows: pa.Table) -> None:
        """Land a batch, and go on until nothing more follows from it."""
        self.land(batch, rows)
        self.loop.settle()

    def land(self, batch: str, rows: pa.Table) -> None:
        """Land a batch."""
        file = self.home / "data" / "landing" / "rides" / f"{batch}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, file.with_suffix(".tmp"))
        file.with_suffix(".tmp").rename(file)

    def at_once(self, batch: str, rows: pa.Table) -> None:
        """Land a batch, and take it its way in one run together with a whole retraining that nobody asked for."""
        self.land(batch, rows)
        plan = DatasetPlan(Dataset.model_validate(DATA))
        [arrival] = [found for found in arrivals(plan.dataset, self.home) if found.batch == batch]
        self.instance.add_dynamic_partitions(keys.partitions("rides"), [batch])
        chosen = dg.AssetSelection.tag(declaration.WAY, "rides") | dg.AssetSelection.tag(declaration.RETRAIN, MODEL)
        more = dg.Definitions(jobs=[dg.define_asset_job("everything", selection=chosen)])
        job = dg.Definitions.merge(self.loop.definitions, more).resolve_job_def("everything")
        tags = Landed.tags(plan.dataset, arrival)
        assert job.execute_in_process(
            instance=self.instance, partition_key=batch, tags=tags, run_config=_SILENT
        ).success
        self.loop.settle()

    def ticks(self, daemons: int) -> list[Any]:
        """What the sensor asks for when so many daemons look at the same time, with nothing carried out."""
        with ThreadPoolExecutor(daemons) as pool:
            return list(pool.map(lambda _: self.tick(), range(daemons)))

    def run(self, request: dg.RunRequest) -> dg.DagsterRun:
        """The run of a request, as a daemon would make it before its worker starts."""
        job = self.loop.definitions.resolve_job_def(keys.retrain_job(MODEL))
        return self.instance.create_run_for_job(job, tags=request.tags)

    def tick(self) -> Any:
        """What the sensor that decides asks for when it is asked once, with nothing carried out."""
        definitions = self.loop.definitions
        sensor = definitions.get_repository_def().get_sensor_def(SENSOR)
        return evaluate(sensor, self.instance, definitions)

    @property
    def stores(self) -> Stores:
        """Of the home."""
        return Stores(home=str(self.home))

    @property
    def ledger(self) -> Ledger:
        """Of the model."""
        return Ledger(self.stores.lineage(), MODEL)

    @property
    def reason(self) -> str:
        """Why the newest tick asked for nothing."""
        return self.loop.reasons[SENSOR]

    def causes(self) -> list[list[str]]:
        """Of every request so far."""
        return [request.body["causes"] for request in self.requests()]

    def requests(self) -> list[Record]:
        """For a challenger, oldest first."""
        return self.ledger.records(REQUEST)

    def outcomes(self) -> list[str]:
        """What came of each request that is closed."""
        return [record.body["outcome"] for record in self.ledger.records("retrain_outcome")]

    def retrainings(self) -> list[str]:
        """The keys of the requests for which a run was started, a run each."""
        runs = self.instance.get_runs(dg.RunsFilter(job_name=keys.retrain_job(MODEL)))
        return [run.tags["mlops/retrain_request"] for run in runs]

    def window(self, batch: str, stage: str = "drift_report") -> dict[str, Any] | None:
        """What the monitor recorded of a batch."""
        lake, table = self.stores.lake(), keys.table(MODEL, stage)
        rows = lake.read(table, batches=[batch]).to_pylist() if lake.exists(table) else []
        return rows[0] if rows else None

    def shown(self) -> Mapping[str, Any]:
        """What the UI shows of the decisions."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey([MODEL, "retrain_request"]))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@contextmanager
def town(home: Path, **life: Any) -> Iterator[Town]:
    """A home with rides declared in it; the process's environment and paths are restored afterwards."""
    before = dict(os.environ)
    folder = home / f"project_{home.name}".replace("-", "_") / "defs"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    sys.path.insert(0, str(home))
    try:
        settings = prepare(home)
        with unlogged(settings) as instance:
            made = Town(home, folder, instance)
            made.declare(**life)
            yield made
    finally:
        sys.path.remove(str(home))
        os.environ.clear()
        os.environ.update(before)
