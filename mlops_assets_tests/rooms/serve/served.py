"""A champion over the trips of `trips.py`, in a registry that lives in memory, and stores that know it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.train.candidates import CANDIDATES
from mlops_assets.rooms.train.inputs import features_of, frame
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.registry import Bundle, ModelVersion

APRIL = datetime(2024, 4, 1, tzinfo=UTC)


@dataclass
class MemoryRegistry:
    """As much of a registry as serving needs; it counts what is loaded."""

    bundles: dict[int, Bundle] = field(default_factory=dict)
    released: int = 0

    def add(self, pipeline: Any, files: Mapping[str, bytes]) -> int:
        number = len(self.bundles) + 1
        self.bundles[number] = Bundle(ModelVersion("late_trips", number, "run", "digest"), pipeline, files)
        self.released = number
        return number

    def champion(self, model: str) -> ModelVersion | None:
        return self.bundles[self.released].version if self.released else None

    def versions(self, model: str) -> list[ModelVersion]:
        return [bundle.version for bundle in self.bundles.values()]

    def get(self, model: str, number: int) -> ModelVersion:
        return self.bundles[number].version

    def load(self, version: ModelVersion) -> Bundle:
        return self.bundles[version.number]


REGISTRIES: dict[str, MemoryRegistry] = {}


class ServedStores(Stores):
    """Stores whose registry is in memory, one a home."""

    def lake(self) -> DeltaLake:
        return DeltaLake(self.settings().lake)

    def registry(self) -> Any:
        return REGISTRIES.setdefault(self.home, MemoryRegistry())


def split(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Trips before April, and those from April on."""
    times = rows["event_time"].to_numpy()
    early = times < np.datetime64(APRIL.replace(tzinfo=None))
    return rows.filter(pa.array(early)), rows.filter(pa.array(~early))


def champion(registry: MemoryRegistry, rows: pa.Table, plan: ModelPlan, *, clean: int = 0) -> int:
    """Train on the first half of some rows, with the scores of the second as out-of-fold scores, and release it.

    Args:
        clean: the version of the clean table that training read.
    """
    features = features_of(rows.schema, plan.features)
    half = rows.num_rows // 2
    pipeline = CANDIDATES["binary"]["logistic"](features, 0).fit(
        frame(rows.slice(0, half), features), rows["label"].to_numpy()[:half]
    )
    scores = pipeline.predict_proba(frame(rows, features))[:, 1]
    names = ["event_time", *plan.features, "label"]
    table = rows.select(names).append_column("score", pa.array(scores))
    newest = rows["event_time"][-1].as_py()
    manifest = {
        "features": [{"name": f.name, "kind": f.kind} for f in features],
        "threshold": 0.5,
        "task": "binary",
        "objective": "roc_auc",
        "base_rate": float(rows["label"].to_numpy().mean()),
        "baseline": [float(rows["label"].to_numpy().mean())],
        "trained_until": newest.isoformat() if newest else None,
        "inputs": {"trips/clean": [clean, ""]},
    }
    target = BytesIO()
    pq.write_table(table, target)
    return registry.add(
        pipeline, {"manifest.json": json.dumps(manifest).encode(), "reference.parquet": target.getvalue()}
    )


def run(
    assets: list[dg.AssetsDefinition], stores: Stores, batch: str, instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    """Materialize a batch; what failed is in the result."""
    instance.add_dynamic_partitions("trips_batches", [batch])
    return dg.materialize(
        assets, partition_key=batch, resources={"stores": stores}, instance=instance, raise_on_error=False
    )
