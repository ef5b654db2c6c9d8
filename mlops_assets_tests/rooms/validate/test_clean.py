"""The clean asset: published rows are materialized; a stopped batch fails a check, and nothing below it runs."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.resources.declaration import batches
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.validate.assets import build, reasons_table
from mlops_assets.rooms.validate.outcome import Outcome
from mlops_assets.spec.dataset import Dataset, Quarantine
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source

DATASET = Dataset(name="things", source=Source(files="*.csv"), key=("id",), quarantine=Quarantine(max_share=0.4))


@dg.asset(key=["things", "below"], deps=[dg.AssetKey(["things", "clean"])], partitions_def=batches("things"))
def below() -> None:
    """Whatever comes after clean."""


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(home=str(tmp_path))


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    found = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    found.add_dynamic_partitions("things_batches", ["one", "two"])
    return found


def run(stores: Stores, instance: dg.DagsterInstance, batch: str, raw: pa.Table) -> dg.ExecuteInProcessResult:
    stores.lake().write(keys.raw_table("things", batch), raw, batch=batch, commit={"file": f"{batch}.csv"})
    return dg.materialize(
        [*build(DatasetPlan(DATASET)), below],
        instance=instance,
        partition_key=batch,
        resources={"stores": stores},
        raise_on_error=False,
    )


def failed(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    return {
        found.check_name: str(found.description) for found in result.get_asset_check_evaluations() if not found.passed
    }


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}


def test_a_good_batch_is_materialized_with_its_figures(stores: Stores, instance: dg.DagsterInstance) -> None:
    result = run(stores, instance, "one", pa.table({"id": ["1", "1", "2", None]}))
    assert result.success
    assert failed(result) == {}
    assert materialized(result) == {"clean", "quarantine", "below"}
    (event,) = [
        event for event in result.asset_materializations_for_node("things_clean") if event.asset_key.path[-1] == "clean"
    ]
    figures = {name: event.metadata[name].value for name in ("rows_in", "clean", "quarantined", "merged")}
    assert figures == {"rows_in": 4, "clean": 2, "quarantined": 1, "merged": 1}
    assert event.metadata["quarantine_share"].value == 0.25
    assert "`id:not_null` | 1 | 4" in str(event.metadata["reasons"].value)
    assert event.tags is not None
    assert event.tags["dagster/data_version"] == stores.lake().fingerprint("things/clean", batch="one")


def test_too_many_bad_rows_stop_the_way_but_are_kept(stores: Stores, instance: dg.DagsterInstance) -> None:
    result = run(stores, instance, "one", pa.table({"id": ["1", None, None]}))
    assert not result.success
    assert materialized(result) == {"quarantine"}
    assert list(failed(result)) == ["quarantine_share"]
    assert failed(result)["quarantine_share"].startswith("one.csv: 2 of 3 rows break the contract: id:not_null (2 rows")
    assert stores.lake().read("things/quarantine").num_rows == 3


def test_a_schema_breach_stops_the_way_and_names_file_and_column(stores: Stores, instance: dg.DagsterInstance) -> None:
    assert run(stores, instance, "one", pa.table({"id": ["1"], "x": ["1"]})).success
    result = run(stores, instance, "two", pa.table({"id": ["2"]}))
    assert not result.success
    assert materialized(result) == {"quarantine"}
    assert failed(result)["contract"].startswith("two.csv: missing column x")
    assert stores.lake().read("things/clean").num_rows == 1


def test_the_contract_is_part_of_the_code_version() -> None:
    (asset,) = build(DatasetPlan(DATASET))
    (other,) = build(DatasetPlan(DATASET.model_copy(update={"quarantine": Quarantine(max_share=0.1)})))
    key = dg.AssetKey(["things", "clean"])
    assert asset.code_versions_by_key[key] != other.code_versions_by_key[key]


def test_reasons_are_a_table_that_stays_small() -> None:
    many = {f"x|{n}:type": n for n in range(30)}
    text = reasons_table(Outcome("f", 30, 0, 30, 0, 1.0, reasons=many))
    assert text.count("\n") == 22
    assert "x\\|0:type" in text
    assert reasons_table(Outcome("f", 1, 1, 0, 0, 0.0)) == "No row broke the contract."
