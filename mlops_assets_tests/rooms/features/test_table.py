"""The offline table: the same input gives the same bytes, and a batch reads no more history than it needs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from mlops_assets.errors import NotFound, UnknownName
from mlops_assets.rooms.features.compile import compile_features
from mlops_assets.rooms.features.history import load
from mlops_assets.rooms.features.origin import origins
from mlops_assets.rooms.features.relations import Relations
from mlops_assets.rooms.features.table import compute, materialize
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql
from mlops_assets.stores.lake import Lake, Reach
from mlops_assets_tests.rooms.features.conftest import TABLE

BATCHES = ("2013-01", "2013-02", "2013-03")
Plans = Callable[..., FeaturePlan]


def test_the_same_batch_again_makes_no_new_version(lake: Lake, plan_of: Plans) -> None:
    first, again = (materialize(lake, plan_of(), "2013-02") for _ in range(2))
    assert (first.changed, again.changed) == (True, False)
    assert first.fingerprint == again.fingerprint


@pytest.mark.parametrize("batch", BATCHES)
def test_the_bounded_history_gives_what_the_whole_history_gives(lake: Lake, plan_of: Plans, batch: str) -> None:
    plan = plan_of()
    clean = {name: lake.scan(f"{name}/clean") for name in plan.datasets}
    whole = Relations(
        f"(from {clean['flights']} where _batch = '{batch}')",
        {"flights": clean["flights"]},
        (clean["weather"], clean["planes"]),
    )
    with sql.connect() as connection:
        expected = compile_features(connection, plan, whole).compute(connection, whole)
    found = compute(lake, plan, batch)
    assert found.schema == expected.schema
    for row, wanted in zip(found.to_pylist(), expected.to_pylist(), strict=True):
        assert {k: v for k, v in row.items() if not isinstance(v, float)} == {
            k: v for k, v in wanted.items() if not isinstance(v, float)
        }
        assert [v for v in row.values() if isinstance(v, float)] == pytest.approx(
            [v for v in wanted.values() if isinstance(v, float)]
        )


def test_a_batch_reads_the_longest_window_before_it_and_nothing_after_it(lake: Lake, plan_of: Plans) -> None:
    with sql.connect() as connection:
        load(connection, lake, plan_of(), "2013-03")
        first, last = connection.execute("select min(k), max(k) from events_flights").fetchall()[0]
        begin, end = connection.execute("select min(t), max(t) from entities").fetchall()[0]
        weather = connection.execute("select min(hour), max(hour) from joined_rows_0").fetchall()[0]
    assert begin - timedelta(days=2) <= first
    assert last < end
    assert begin - timedelta(hours=3) <= weather[0]
    assert weather[1] <= end


def test_types_do_not_vary_between_batches(lake: Lake, plan_of: Plans) -> None:
    empty = lake.read("flights/clean", batches=["2013-01"]).slice(0, 0)
    lone = pa.Table.from_pylist([{"id": 999, "t": datetime(2014, 1, 1, tzinfo=UTC), "dist": 1}], schema=empty.schema)
    lake.write("flights/clean", lone, batch="2014-01")
    schemas = {batch: compute(lake, plan_of(), batch).schema for batch in ("2013-02", "2014-01")}
    assert schemas["2013-02"] == schemas["2014-01"]
    assert materialize(lake, plan_of(), "2013-02").rows == 40
    assert materialize(lake, plan_of(), "2014-01").rows == 1


def test_a_joined_dataset_that_never_came_is_named(lake: Lake, plan_of: Plans, tmp_path: object) -> None:
    joins = [{"dataset": "planes", "on": ["tail"], "columns": {"seats": "seats"}}]
    other = type(lake)(lake.path / "elsewhere")  # type: ignore[attr-defined,call-arg]  # the embedded lake is a folder
    other.write("flights/clean", lake.read("flights/clean", batches=["2013-01"]), batch="2013-01")
    with pytest.raises(NotFound, match="planes/clean"):
        materialize(other, plan_of(joins=joins), "2013-01")


def test_an_event_time_that_the_data_lacks_is_answered_with_its_columns(lake: Lake, plan_of: Plans) -> None:
    with pytest.raises(UnknownName, match="dataset 'flights': unknown column 'known'"):
        materialize(lake, plan_of(outcomes={"known_at": "known", "columns": ["delay"]}), "2013-01")


def test_a_features_origins_are_the_columns_it_names_and_is_joined_or_grouped_by(lake: Lake, plan_of: Plans) -> None:
    found = origins(lake, plan_of())
    flights, weather = ("flights", "clean"), ("weather", "clean")
    assert found["route"] == [(flights, "origin"), (flights, "tail")]
    assert found["temperature"] == [(flights, "origin"), (weather, "degrees")]
    assert found["delay_by_origin_6h"] == [(flights, "origin"), (flights, "k"), (flights, "delay")]


def test_a_batch_opens_no_file_beyond_its_reach(lake: Lake, plan_of: Plans) -> None:
    reach = Reach("k", datetime(2013, 1, 8, tzinfo=UTC), datetime(2013, 1, 9, 12, tzinfo=UTC))
    assert lake.scan("flights/clean").count(".parquet") == 3
    assert lake.scan("flights/clean", reach=reach).count(".parquet") < 3
    assert lake.scan("flights/clean", batches=["2013-02"]).count(".parquet") == 1
    assert lake.scan("flights/clean", batches=[]).count(".parquet") == 0


def test_the_newest_moment_is_told_without_reading_a_file(lake: Lake) -> None:
    newest = max(lake.read("flights/clean")["k"].drop_null().to_pylist())
    found = lake.after("flights/clean", "k")
    assert found is not None
    assert timedelta(0) < found - newest <= timedelta(milliseconds=1)


def test_another_feature_table_is_joined_as_of_the_event_time(lake: Lake, plan_of: Plans) -> None:
    air = FeatureTable(name="air", dataset="weather", columns={"degrees": "degrees * 2"})
    datasets = plan_of().datasets
    materialize(lake, FeaturePlan.of(air, datasets), "2013")
    join = {"table": "air", "on": ["origin"], "columns": {"twice": "degrees"}, "ttl": "3h"}
    both = FeatureTable.model_validate({**TABLE, "joins": [*TABLE["joins"][:1], join], "aggregations": []})
    found = compute(lake, FeaturePlan.of(both, datasets, tables={"air": air}), "2013-02")
    assert any(value is not None for value in found["twice"].to_pylist())
    for row in found.to_pylist():
        assert row["twice"] == (None if row["temperature"] is None else row["temperature"] * 2)
