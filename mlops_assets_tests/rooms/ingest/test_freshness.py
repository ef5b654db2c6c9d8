"""Freshness: a silence that is longer than declared warns, by the data's own clock and by the one on the wall."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest.assets import build
from mlops_assets.rooms.ingest.freshness import judged
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source
from mlops_assets.stores.delta import DeltaLake

TRIPS = Dataset(name="trips", source=Source(files="data/landing/*.csv"), event_time="at", freshness=timedelta(days=35))


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    """January is clean; what lands next is told by its text, as CSV brings it."""
    lake = DeltaLake(tmp_path / "data/lake")
    lake.write("trips/clean", pa.table({"at": [datetime(2013, 1, 31, tzinfo=UTC)]}), batch="2013-01")
    return lake


@pytest.mark.parametrize(
    ("newest", "fresh", "said"),
    [
        ("2013-02-27 10:00:00", True, "came 27d after the one before; allowed: 35d"),
        ("2013-04-01 00:00:00", False, "came 60d after the one before; allowed: 35d"),
        ("2012-11-30 00:00:00", True, "older than one that is there"),
    ],
)
def test_a_batch_is_judged_by_the_newest_row_before_it(lake: DeltaLake, newest: str, fresh: bool, said: str) -> None:
    lake.write("trips/raw/next", pa.table({"at": ["2012-01-01", newest, None]}), batch="next")
    passed, told = judged(lake, TRIPS, "next", timedelta(days=35))
    assert passed == fresh
    assert said in told


def test_the_first_batch_and_one_without_the_column_are_not_judged(lake: DeltaLake) -> None:
    lake.write("trips/raw/2013-01", pa.table({"at": ["2013-01-31"]}), batch="2013-01")
    lake.write("trips/raw/odd", pa.table({"when": ["2013-01-31"]}), batch="odd")
    day = timedelta(days=1)
    assert judged(lake, TRIPS, "2013-01", day) == (True, "not judged: there was no batch before it")
    assert judged(lake, TRIPS, "odd", day) == (True, "not judged: the batch has no row with an event time")


def test_the_asset_warns_and_carries_a_policy_only_where_it_is_declared(lake: DeltaLake, tmp_path: Path) -> None:
    file = tmp_path / "data/landing/2013-05.csv"
    file.parent.mkdir(parents=True)
    file.write_text("at\n2013-05-01\n")
    assets = build(DatasetPlan(TRIPS))
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    instance.add_dynamic_partitions("trips_batches", ["2013-05"])
    resources = {"stores": Stores(home=str(tmp_path))}
    result = dg.materialize(assets, instance=instance, partition_key="2013-05", resources=resources)
    [found] = [each for each in result.get_asset_check_evaluations() if each.check_name == "freshness"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    [policy] = [spec.freshness_policy for spec in assets[0].specs]
    assert policy == dg.FreshnessPolicy.time_window(timedelta(days=35))
    [quiet] = build(DatasetPlan(TRIPS.model_copy(update={"freshness": None})))
    assert "freshness" not in {spec.name for spec in quiet.check_specs}
    assert [spec.freshness_policy for spec in quiet.specs] == [None]
