"""The raw asset: a file that can be read is materialized, any other fails a check that names it."""

from pathlib import Path

import dagster as dg
import pytest

from mlops_assets import keys
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.ingest.assets import build
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source

PLAN = DatasetPlan(Dataset(name="flights", source=Source(files="data/landing/*.csv")))
NUMBERED = DatasetPlan(Dataset(name="flights", source=Source(files="data/landing/*.csv", numbered="row")))
RAW = dg.AssetKey(["flights", "raw"])


class Home:
    """A home with an instance of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(path))

    def land(self, batch: str, content: str) -> Path:
        path = self.path / "data/landing" / f"{batch}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def run(self, batch: str, plan: DatasetPlan = PLAN) -> dg.ExecuteInProcessResult:
        self.instance.add_dynamic_partitions("flights_batches", [batch])
        stores = Stores(home=str(self.path))
        return dg.materialize(
            build(plan), instance=self.instance, partition_key=batch, resources={"stores": stores}, raise_on_error=False
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def rows(count: int) -> str:
    return "a,b\n" + "1,x\n" * count


def test_a_batch_is_kept_as_it_arrived(home: Home) -> None:
    home.land("2013-01", "a,b\n001,x\n2,\n")
    result = home.run("2013-01")
    assert result.success
    lake = Stores(home=str(home.path)).lake()
    assert lake.read(keys.raw_table("flights", "2013-01")).to_pylist() == [
        {"a": "001", "b": "x"},
        {"a": "2", "b": None},
    ]
    (event,) = result.asset_materializations_for_node("flights_raw")
    assert event.metadata["dagster/row_count"].value == 2
    assert event.tags is not None
    assert event.tags["dagster/data_version"] == lake.fingerprint(keys.raw_table("flights", "2013-01"), batch="2013-01")


def test_rows_are_numbered_where_the_source_says_so(home: Home) -> None:
    home.land("2013-01", "a,b\n1,x\n2,y\n")
    assert home.run("2013-01", NUMBERED).success
    found = Stores(home=str(home.path)).lake().read(keys.raw_table("flights", "2013-01"))
    assert found["row"].to_pylist() == ["2013-01:000000001", "2013-01:000000002"]


def test_a_column_that_a_number_would_hide_fails_the_check(home: Home) -> None:
    home.land("2013-01", "row,b\n1,x\n")
    result = home.run("2013-01", NUMBERED)
    assert not result.success
    assert "has a column 'row' already" in str(checks(result)["readable"].description)


@pytest.mark.parametrize(
    ("content", "reason"), [("", "empty"), ("a,b\n1\n", "Expected Number of Columns"), ("a,b\n", "0 rows")]
)
def test_a_file_that_is_no_batch_fails_one_check_and_stays(home: Home, content: str, reason: str) -> None:
    path = home.land("2013-01", content)
    result = home.run("2013-01")
    assert not result.success
    assert result.asset_materializations_for_node("flights_raw") == []
    failed = [
        check for check in checks(result).values() if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
    assert [check.check_name for check in failed] == ["not_empty" if reason == "0 rows" else "readable"]
    assert "2013-01.csv" in str(failed[0].description)
    assert reason in str(failed[0].description)
    assert path.read_text() == content


def test_a_file_that_has_gone_fails_the_check(home: Home) -> None:
    result = home.run("2013-01")
    assert not result.success
    assert "2013-01" in str(checks(result)["readable"].description)


def test_an_unusual_volume_warns_and_lets_the_way_go_on(home: Home) -> None:
    for month in range(1, 5):
        home.land(f"2013-0{month}", rows(100 + month))
        result = home.run(f"2013-0{month}")
        assert checks(result)["volume"].passed
    home.land("2013-05", rows(10))
    result = home.run("2013-05")
    assert result.success
    assert not checks(result)["volume"].passed
    assert "10 rows; the median of 4 other batches is 102.5" in str(checks(result)["volume"].description)


def test_a_batch_that_is_run_again_is_not_compared_with_itself(home: Home) -> None:
    home.land("2013-01", rows(10))
    for _ in range(5):
        result = home.run("2013-01")
    assert "0" in str(checks(result)["volume"].description)
    assert Stores(home=str(home.path)).lake().version(keys.raw_table("flights", "2013-01")) == 0
