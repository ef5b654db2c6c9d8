"""A small lake: three batches of flights, whose outcomes come late, the weather, and the planes."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.resources.stores import Stores
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import Lake

START = datetime(2013, 1, 1, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")
BATCHES = ("2013-01", "2013-02", "2013-03")
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("t", TIME),
        ("origin", pa.string()),
        ("tail", pa.string()),
        ("dist", pa.int64()),
        ("delay", pa.float64()),
        ("k", TIME),
        ("said", TIME),
    ]
)
DATASETS: dict[str, dict[str, Any]] = {
    "flights": {"key": ["id"], "event_time": "t", "outcomes": {"known_at": "k", "columns": ["delay"]}},
    "weather": {"key": ["origin", "hour"], "event_time": "hour"},
    "planes": {"key": ["tail"]},
}
TABLE: dict[str, Any] = {
    "name": "context",
    "dataset": "flights",
    "columns": {"dist": "dist", "route": "origin || tail"},
    "joins": [
        {"dataset": "weather", "on": ["origin"], "columns": {"temperature": "degrees"}, "ttl": "3h"},
        {"dataset": "planes", "on": ["tail"], "columns": {"seats": "seats"}},
    ],
    "aggregations": [
        {"name": "delay_by_origin", "of": "delay", "by": ["origin"], "over": ["6h", "2d"]},
        {"name": "flown", "stat": "count", "of": "delay", "by": ["origin", "tail"], "over": ["2d"]},
    ],
}
Plans = Callable[..., FeaturePlan]


@pytest.fixture
def plan_of() -> Plans:
    """The feature table, with whatever a test declares in another way."""

    def of(*, outcomes: dict[str, Any] | None = None, **changes: Any) -> FeaturePlan:
        given = {name: {"name": name, "source": {"files": name}, **spec} for name, spec in DATASETS.items()}
        given["flights"] |= {"outcomes": outcomes} if outcomes else {}
        datasets = {name: Dataset.model_validate(spec) for name, spec in given.items()}
        return FeaturePlan.of(FeatureTable.model_validate({**TABLE, **changes}), datasets)

    return of


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(home=str(tmp_path))


@pytest.fixture
def lake(stores: Stores) -> Lake:
    """Every batch is four days long; a tenth of the outcomes is known even before the event, a tenth never."""
    lake, draw = stores.lake(), random.Random(7)  # noqa: S311 - data, no secret
    for place, batch in enumerate(BATCHES):
        rows = [_flight(draw, 100 * place + number, START + timedelta(days=4 * place)) for number in range(40)]
        lake.write("flights/clean", pa.Table.from_pylist(rows, schema=SCHEMA), batch=batch)
    hours = [START + timedelta(hours=2 * number) for number in range(145)]
    weather = [{"origin": o, "hour": h, "degrees": draw.random()} for o in ("JFK", "EWR") for h in hours]
    lake.write("weather/clean", pa.Table.from_pylist(weather), batch="2013")
    lake.write("planes/clean", pa.table({"tail": ["N1", "N2"], "seats": [100, 200]}), batch="all")
    return lake


def _flight(draw: random.Random, number: int, first: datetime) -> dict[str, Any]:
    moment = first + timedelta(hours=draw.randrange(96))
    known = None if draw.random() < 0.1 else moment + timedelta(hours=draw.randrange(-1, 9))
    return {
        "id": number,
        "t": moment,
        "origin": draw.choice(["JFK", "EWR", None]),
        "tail": draw.choice(["N1", "N2", "N3"]),
        "dist": draw.randrange(1000),
        "delay": None if known is None else draw.gauss(10, 30),
        "k": known,
        "said": moment - timedelta(hours=1),
    }
