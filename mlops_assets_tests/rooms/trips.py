"""A small world to train in: 120 days of trips with two features that tell, a few that don't, and matured labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mlops_assets import keys
from mlops_assets.rooms.train import board as boards
from mlops_assets.rooms.train.challenger import Challenger, challenge
from mlops_assets.rooms.train.identity import canonical, ingredients
from mlops_assets.rooms.train.select import leaderboard
from mlops_assets.rooms.train.training_set import BATCH, assemble, examples, inputs
from mlops_assets.spec.dataset import Dataset, Outcomes
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.model import Model
from mlops_assets.spec.plan import FeaturePlan, ModelPlan
from mlops_assets.spec.source import Source
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.lineage import SqliteLineage
from mlops_assets.stores.mlflow import MlflowRegistry

START = datetime(2024, 1, 1, tzinfo=UTC)
FEATURES = ("distance", "rain", "noise", "carrier", "origin")


@dataclass(frozen=True)
class World:
    """The stores that training needs, below one folder."""

    lake: DeltaLake
    registry: MlflowRegistry
    lineage: SqliteLineage


def world(folder: Path) -> World:
    """Empty stores."""
    registry = MlflowRegistry(f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}", folder / "mlflow" / "artifacts")
    return World(DeltaLake(folder / "lake"), registry, SqliteLineage(folder / "lineage.db"))


def plan(
    *,
    timed: bool = True,
    columns: Mapping[str, str] | None = None,
    aggregations: tuple[dict[str, Any], ...] = (),
    outcomes: bool = True,
    **declared: Any,
) -> ModelPlan:
    """A model over trips; `declared` goes into the model's spec."""
    dataset = Dataset(
        name="trips",
        source=Source(files="trips/*.parquet"),
        key=("trip",),
        event_time="at" if timed else None,
        outcomes=Outcomes(known_at="arrived", columns=("delay",)) if timed and outcomes else None,
    )
    given = {"columns": dict(columns or {name: name for name in FEATURES}), "aggregations": aggregations}
    table = FeatureTable.model_validate({"name": "trip_facts", "dataset": "trips", **given})
    train = {"min_labels": 200, "holdout": "28d", **declared.pop("train", {})}
    candidates = train.pop("candidates", ("base_rate", "logistic"))
    named = {"name": "late_trips", "target": {"column": "late", "known_after": "1d"}, "features": ("trip_facts",)}
    model = Model.model_validate({**named, "train": {**train, "candidates": candidates}, **declared})
    return ModelPlan.of(model, {"trip_facts": FeaturePlan.of(table, {"trips": dataset})})


def rows(count: int = 4_000, days: int = 120, *, seed: int = 0, timed: bool = True) -> pa.Table:
    """Trips with features, and whether they were late."""
    draw = np.random.default_rng(seed)
    distance, rain, noise = draw.normal(size=(3, count))
    carrier = draw.choice(np.array(["AA", "BB", "CC", None], dtype=object), count)
    odds = 1.2 * distance + 0.8 * rain - 0.8 + 0.5 * (carrier == "AA")
    late = (draw.random(count) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    times = [START + timedelta(days=days * place / count) if timed else None for place in range(count)]
    columns = {
        "trip": np.arange(count),
        "event_time": pa.array(times, pa.timestamp("us", tz="UTC")),
        "distance": np.where(draw.random(count) < 0.05, np.nan, distance),
        "rain": rain,
        "noise": noise,
        "carrier": pa.array(carrier, pa.string()),
        "origin": draw.choice(["EWR", "JFK"], count),
        "label": late,
    }
    return pa.table(columns)


def fill(lake: DeltaLake, data: pa.Table, *, batch: str = "all", model: str = "late_trips") -> None:
    """Put trips into the tables that the rooms before training would have made."""
    import pyarrow.compute as pc

    known = pc.add(data["event_time"], pa.scalar(timedelta(hours=2)))
    labels = data.select(["trip", "event_time", "label"]).append_column("known_at", known)
    labels = labels.append_column("status", pa.array(["labelled"] * len(data)))
    clean = data.select(["trip", "event_time"]).rename_columns(["trip", "at"])
    lake.write("trips/clean", clean, batch=batch)
    lake.write(f"{model}/labels", labels, batch=batch)
    lake.write("trip_facts/offline", data.drop_columns(["label"]), batch=batch)


def train(world: World, plan: ModelPlan) -> Challenger:
    """Everything that the train room does, as its assets do it."""
    read = inputs(world.lake, plan)
    data = assemble(world.lake, plan, read)
    name = keys.table(plan.name, "training_set")
    world.lake.write(name, data, batch=BATCH, commit={"inputs": canonical(read)})
    identity = ingredients(world.lake, plan).identity
    board = boards.find(world.lake, plan, identity) or leaderboard(examples(data, plan, "train"), plan)
    boards.save(world.lake, plan, board, identity)
    return challenge(world.lake, world.registry, world.lineage, plan, tags={"dagster_run": "test"})
