"""The explore assets: a report and a profile a batch, drawn once."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.resources.declaration import WAY
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.explore import eda
from mlops_assets.rooms.explore.assets import build
from mlops_assets.rooms.explore.profile import from_table
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source

PLAN = DatasetPlan(Dataset(name="planes", source=Source(files="data/landing/*.csv")))
REPORT, PROFILE = dg.AssetKey(["planes", "eda_report"]), dg.AssetKey(["planes", "profile"])


class Home:
    """A home with an instance of its own."""

    def __init__(self, path: Path) -> None:
        self.stores = Stores(home=str(path))
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(path))

    def clean(self, batch: str, seats: list[int | None]) -> str:
        written = self.stores.lake().write(keys.table("planes", "clean"), pa.table({"seats": seats}), batch=batch)
        return written.fingerprint

    def run(self, batch: str, selection: list[dg.AssetKey] | None = None) -> dict[dg.AssetKey, dg.AssetMaterialization]:
        self.instance.add_dynamic_partitions("planes_batches", [batch])
        result = dg.materialize(
            build(PLAN),
            instance=self.instance,
            partition_key=batch,
            resources={"stores": self.stores},
            selection=selection,
        )
        found = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
        return {materialization.asset_key: materialization for materialization in found}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_batch_gets_a_report_that_opens_and_a_profile_of_its_version(home: Home) -> None:
    fingerprint = home.clean("a", [100, None])
    found = home.run("a")
    report = found[REPORT]
    assert Path(str(report.metadata["report_file"].value)).read_text().startswith("<!doctype html>")
    assert str(report.metadata["report"].value).startswith("http://")
    assert report.metadata["null_share"].value == 0.5
    assert [(found[key].tags or {})["dagster/data_version"] for key in (REPORT, PROFILE)] == [fingerprint] * 2
    [column] = from_table(home.stores.lake().read(keys.table("planes", "profile"), batches=["a"]))
    assert (column.column, column.rows, column.nulls, column.mean) == ("seats", 2, 1, 100.0)


def test_what_was_drawn_is_not_drawn_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.clean("a", [100, 200])
    first = home.run("a")[REPORT].metadata["report_file"].value
    monkeypatch.setattr(eda, "report", lambda *_, **__: pytest.fail("drawn again"))
    assert home.run("a")[REPORT].metadata["report_file"].value == first
    assert home.stores.lake().version(keys.table("planes", "profile")) == 0


def test_a_batch_is_compared_with_the_one_before_and_a_new_version_with_its_last(home: Home) -> None:
    home.clean("a", [100, 200])
    assert home.run("a")[REPORT].metadata["compared_with"].value == "nothing: the first batch"
    home.clean("b", [900, 950])
    second = home.run("b")[REPORT].metadata
    assert (second["compared_with"].value, second["changed"].value) == ("a", "seats")
    home.clean("b", [900, None])
    third = home.run("b")[REPORT].metadata
    assert (third["compared_with"].value, third["changed_columns"].value) == ("its last version", 1)


def test_either_can_be_made_alone(home: Home) -> None:
    home.clean("a", [100])
    assert set(home.run("a", [PROFILE])) == {PROFILE}
    assert set(home.run("a", [REPORT])) == {REPORT}


def test_a_batch_that_is_not_clean_is_not_explored(home: Home) -> None:
    home.clean("a", [100])
    with pytest.raises(Exception, match="no batch 'b' in 'planes/clean'"):
        home.run("b")


def test_a_batch_of_which_no_row_is_clean_has_its_page_and_what_comes_next_goes_on(home: Home) -> None:
    home.clean("a", [100])
    home.run("a")
    lake = home.stores.lake()
    lake.write(keys.raw_table("planes", "b"), pa.table({"seats": pa.array([], pa.int64())}), batch="b")
    metadata = home.run("b")[REPORT].metadata
    assert (metadata["rows"].value, metadata["compared_with"].value) == (0, "a")
    home.clean("c", [100, 200])
    assert home.run("c")[REPORT].metadata["compared_with"].value == "a", "an empty batch is nothing to look back at"


def test_both_lie_on_the_way_of_an_arrival() -> None:
    [explored] = build(PLAN)
    for spec in explored.specs:
        assert spec.tags[WAY] == "planes"
        assert spec.partitions_def == dg.DynamicPartitionsDefinition(name="planes_batches")
        assert [dep.asset_key for dep in spec.deps] == [dg.AssetKey(["planes", "clean"])]
