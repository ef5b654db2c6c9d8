"""Data of other shapes goes the same way: scikit-learn's wine and diabetes, and weather that arrives by the hour."""

import gzip
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest import assets as ingest
from mlops_assets.rooms.ingest.landing import arrivals
from mlops_assets.rooms.validate import assets as validate
from mlops_assets.spec.dataset import Dataset, Period
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source
from mlops_assets.stores.lake import Lake
from mlops_assets_tests.samples import SAMPLES


class World:
    """A home in which one dataset goes from landing to clean."""

    def __init__(self, home: Path, dataset: Dataset) -> None:
        self.home, self.dataset = home, dataset
        self.landing = home / "data/landing"
        self.landing.mkdir(parents=True)
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(home))

    @property
    def lake(self) -> Lake:
        return Stores(home=str(self.home)).lake()

    def go(self) -> dict[str, bool]:
        """Every arrival in the order of the queue; whether its checks let it through."""
        plan, passed = DatasetPlan(self.dataset), {}
        for arrival in arrivals(self.dataset, self.home):
            self.instance.add_dynamic_partitions(f"{self.dataset.name}_batches", [arrival.batch])
            result = dg.materialize(
                [*ingest.build(plan), *validate.build(plan)],
                instance=self.instance,
                partition_key=arrival.batch,
                resources={"stores": Stores(home=str(self.home))},
                raise_on_error=False,
            )
            passed[arrival.batch] = result.success
        return passed

    def rows(self, stage: str) -> int:
        table = f"{self.dataset.name}/{stage}"
        return self.lake.read(table).num_rows if self.lake.exists(table) else 0


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_a_table_of_another_shape_becomes_clean_with_its_types(tmp_path: Path, name: str) -> None:
    import sklearn.datasets

    frame = getattr(sklearn.datasets, f"load_{name}")(as_frame=True).frame.reset_index(names="id")
    world = World(tmp_path, Dataset(name=name, source=Source(files="data/landing/*"), key=("id",)))
    if name == "wine":
        frame.to_csv(world.landing / "all.csv", index=False)
    else:
        lines = frame.to_json(orient="records", lines=True)
        (world.landing / "all.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert world.go() == {"all": True}
    clean = world.lake.read(f"{name}/clean").to_pandas().sort_values("id", ignore_index=True)
    pd.testing.assert_frame_equal(clean, frame, check_dtype=False, atol=1e-9)
    assert world.go() == {"all": True}
    assert world.lake.version(f"{name}/clean") == 0


def test_hours_may_come_late_doubled_and_out_of_order(tmp_path: Path) -> None:
    hourly = Period(every="hour", timezone="America/New_York")
    weather = pd.read_parquet(SAMPLES / "weather/2013-01.parquet").sort_values("observed_at")
    hours = weather.observed_at.dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%dT%H")
    chosen = list(dict.fromkeys(hours))[:4]
    world = World(
        tmp_path,
        Dataset(
            name="weather",
            source=Source(files="data/landing/*"),
            key=("origin", "observed_at"),
            event_time="observed_at",
            period=hourly,
        ),
    )

    def land(hour: str, rows: pd.DataFrame, more: str = "") -> None:
        rows.to_parquet(world.landing / f"{hour}{more}.parquet", index=False)

    land(chosen[3], weather[hours == chosen[3]])  # the last comes first
    assert world.go() == {chosen[3]: True}
    for hour in chosen[:2]:
        land(hour, pd.concat([weather[hours == hour]] * 2))  # doubled by its sender
    assert all(world.go().values())
    late = weather[hours == chosen[2]]
    land(chosen[2], late.head(2))
    land(chosen[2], late.tail(1), "_late")  # a station that reported later
    assert all(world.go().values())
    expected = weather[hours.isin(chosen)]
    assert world.rows("clean") == len(expected)
    assert world.rows("quarantine") == 0
    assert set(world.lake.batches("weather/clean")) == {*chosen, f"{chosen[2]}_late"}
