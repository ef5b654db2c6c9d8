"""The assets of a feature table: what they record, and what stops the way."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pyarrow.compute as pc
import pytest

from mlops_assets import keys
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features import assets, checks
from mlops_assets.rooms.features.definitions import changes, definitions
from mlops_assets.rooms.features.lookup import clock
from mlops_assets.rooms.features.parity import row_mismatches
from mlops_assets.rooms.features.table import materialize
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import Lake
from mlops_assets_tests.rooms.features.conftest import TABLE

Plans = Callable[..., FeaturePlan]
OFFLINE, ONLINE = dg.AssetKey(["context", "offline"]), dg.AssetKey(["context", "online"])


def run(plan: FeaturePlan, stores: Stores, batch: str = "2013-02") -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral(tempdir=f"{stores.home}/dagster") as instance:
        instance.add_dynamic_partitions(keys.partitions("flights"), [batch])
        return dg.materialize(
            [*assets.build(plan), *checks.build(plan)],
            partition_key=batch,
            instance=instance,
            resources={"stores": stores},
            raise_on_error=False,
        )


def outcomes(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}


def metadata(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    [event] = [e for e in result.get_asset_materialization_events() if e.asset_key == key]
    return dict(event.materialization.metadata)


def test_a_batch_goes_offline_and_online_with_every_check_passed(lake: Lake, stores: Stores, plan_of: Plans) -> None:
    result = run(plan_of(), stores)
    assert result.success
    wanted = dict.fromkeys(("no_look_ahead", "finite", "unchanged", "row_count", "parity"), True)
    assert outcomes(result) == wanted | {"complete": False}
    offline = metadata(result, OFFLINE)
    assert offline["dagster/row_count"].value == 40
    assert offline["features"].value == 7
    lineage = offline["dagster/column_lineage"].value.deps_by_column
    assert lineage["seats"][-1] == dg.TableColumnDep(dg.AssetKey(["planes", "clean"]), "seats")
    assert metadata(result, ONLINE)["keys"].value == 40
    told = [clock(stores.online(), each, ["context/online"]) for each in ("data", "wall")]
    assert [each.year == 2013 for each in told] == [True, False], "its rows alone tell how far they go"


def test_a_batch_of_which_no_row_is_clean_goes_its_way(lake: Lake, stores: Stores, plan_of: Plans) -> None:
    result = run(plan_of(), stores, "2013-02-again")
    assert result.success
    assert metadata(result, OFFLINE)["dagster/row_count"].value == 0
    assert outcomes(result)["parity"]


def test_the_data_version_is_the_content_and_does_not_change_on_a_second_run(
    lake: Lake, stores: Stores, plan_of: Plans
) -> None:
    versions = []
    for _ in range(2):
        events = run(plan_of(), stores).get_asset_materialization_events()
        versions.append({e.asset_key: (e.materialization.tags or {})["dagster/data_version"] for e in events})
    assert versions[0] == versions[1]
    assert versions[0][OFFLINE] == versions[0][ONLINE] == lake.fingerprint("context/offline", batch="2013-02")


def test_a_planted_look_ahead_stops_the_way_and_names_the_feature(
    lake: Lake, stores: Stores, plan_of: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie = plan_of(outcomes={"known_at": "said", "columns": ["delay", "k"]})
    monkeypatch.setattr(assets, "materialize", lambda lake, _, batch, **__: materialize(lake, lie, batch))
    result = run(plan_of(), stores)
    assert not result.success
    assert outcomes(result)["no_look_ahead"] is False
    assert ONLINE not in [e.asset_key for e in result.get_asset_materialization_events()]
    [failed] = [e for e in result.get_asset_check_evaluations() if e.check_name == "no_look_ahead"]
    assert "delay_by_origin_6h of" in (failed.description or "")


@pytest.mark.parametrize("expression", ["1 / 0.0", "'nan'::double"])
def test_infinity_and_nan_stop_the_way(lake: Lake, stores: Stores, plan_of: Plans, expression: str) -> None:
    result = run(plan_of(columns={"odd": expression}), stores)
    assert not result.success
    assert outcomes(result)["finite"] is False


def test_an_older_batch_run_again_leaves_the_online_store_as_it_is(lake: Lake, stores: Stores, plan_of: Plans) -> None:
    table = lake.read("flights/clean", batches=["2013-03"])
    lake.write("flights/clean", table.set_column(0, "id", pc.subtract(table["id"], 100)), batch="2013-03")
    for batch in ("2013-03", "2013-02"):
        result = run(plan_of(), stores, batch)
        assert outcomes(result)["parity"]
    assert metadata(result, ONLINE)["rows_kept"].value == 0


def test_a_value_that_serving_would_answer_in_another_way_is_found(lake: Lake, stores: Stores, plan_of: Plans) -> None:
    plan, store = plan_of(), stores.online()
    materialize(lake, plan, "2013-02")
    rows = lake.read("context/offline", batches=["2013-02"])
    assert {found.feature for found in row_mismatches(store, plan, rows)} == {"event_time"}
    store.put("context/online", ["id"], rows.set_column(2, "dist", pc.add(rows["dist"], 1.0)), time_column="event_time")
    assert {found.feature for found in row_mismatches(store, plan, rows)} == {"dist"}
    store.put("context/online", ["id"], rows, time_column="event_time")
    assert row_mismatches(store, plan, rows) == []


def test_the_assets_lie_on_the_way_of_the_described_dataset(plan_of: Plans) -> None:
    for asset in assets.build(plan_of()):
        for spec in asset.specs:
            assert spec.tags["mlops/way"] == "flights"
    [offline] = assets.build(plan_of())[0].specs
    mapped = {dep.asset_key.path[0]: type(dep.partition_mapping) for dep in offline.deps}
    assert mapped == {"flights": type(None), "weather": dg.AllPartitionMapping, "planes": dg.AllPartitionMapping}


def released(stores: Stores, model: str, version: int) -> None:
    """A model that was trained on the newest offline table, and released."""
    lake, lineage = stores.lake(), stores.lineage()
    inputs = {"context/offline": [lake.version("context/offline"), "fingerprint"]}
    lineage.append("snapshot", model, {"version": version, "inputs": inputs})
    lineage.append("release", model, {"version": version})


def test_a_changed_feature_that_a_released_model_uses_stops_the_way_and_names_the_model(
    lake: Lake, stores: Stores, plan_of: Plans
) -> None:
    assert run(plan_of(), stores, "2013-01").success
    released(stores, "delays", 3)
    before = lake.version("context/offline")
    changed = plan_of(columns={"dist": "dist * 2", "route": "origin || tail"})
    result = run(changed, stores)
    assert not result.success
    [failed] = [e for e in result.get_asset_check_evaluations() if e.check_name == "unchanged"]
    assert not failed.passed
    assert "dist has changed, and released models use it: delays version 3" in (failed.description or "")
    assert "next: give feature table 'context' version: 2, beside this one" in (failed.description or "")
    assert result.get_asset_materialization_events() == []
    assert lake.version("context/offline") == before


@pytest.mark.parametrize(
    "change",
    [
        {"joins": [TABLE["joins"][0]]},
        {"joins": [{**TABLE["joins"][0], "ttl": "4h"}, TABLE["joins"][1]]},
        {"ttl": {"temperature": "1h"}},
        {"aggregations": [{**TABLE["aggregations"][0], "by": ["tail"]}, TABLE["aggregations"][1]]},
        {"outcomes": {"known_at": "said", "columns": ["delay", "k"]}},
    ],
    ids=["gone", "another ttl", "a ttl of its own", "another group", "known at another time"],
)
def test_each_way_to_change_a_feature_is_told(
    lake: Lake, stores: Stores, plan_of: Plans, change: dict[str, Any]
) -> None:
    materialize(lake, plan_of(), "2013-01")
    released(stores, "delays", 1)
    assert changes(lake, stores.lineage(), "context", definitions(lake, plan_of())) == []
    assert changes(lake, stores.lineage(), "context", definitions(lake, plan_of(**change)))


def test_a_new_version_lives_beside_the_old_one_and_a_new_feature_changes_nothing(
    lake: Lake, stores: Stores, plan_of: Plans
) -> None:
    materialize(lake, plan_of(), "2013-01")
    released(stores, "delays", 1)
    second = plan_of(version=2, columns={"dist": "dist * 2", "route": "origin || tail"})
    assert second.table.name == "context_v2"
    assert run(second, stores).success
    assert lake.read("context_v2/offline", batches=["2013-02"]).num_rows == 40
    assert lake.batches("context/offline") == ["2013-01"]
    more = plan_of(columns={**TABLE["columns"], "more": "dist + 1"})
    assert run(more, stores).success
