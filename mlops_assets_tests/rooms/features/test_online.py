"""The online views: whatever comes in whatever order, look-ups answer as the batch way does."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlops_assets.errors import StoreError
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.lookup import Lookup
from mlops_assets.rooms.features.online import as_of, refresh
from mlops_assets.rooms.features.parity import skew
from mlops_assets.rooms.features.views import views
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.online import OnlineStore
from mlops_assets.stores.online_sqlite import SqliteOnline
from mlops_assets_tests.rooms.features.conftest import BATCHES, SCHEMA, START, TABLE

Plans = Callable[..., FeaturePlan]
EVERY = [
    {
        "name": f"n_{stat}",
        "stat": stat,
        "of": "delay > 0" if stat == "rate" else "delay",
        "by": ["tail"],
        "over": ["2d"],
    }
    for stat in ("rate", "min", "max", "std", "last", "time_since", "count", "sum")
]
WARM = {"name": "warm", "of": "degrees", "by": ["origin"], "over": ["1d"], "dataset": "weather"}
AGGREGATIONS = [*TABLE["aggregations"], *EVERY, WARM]


@pytest.fixture
def store(stores: Stores) -> OnlineStore:
    return stores.online()


@pytest.fixture
def plan(plan_of: Plans) -> FeaturePlan:
    return plan_of(aggregations=AGGREGATIONS)


def requests(lake: Lake) -> pa.Table:
    """Every flight so far, and one of a place and a plane that nobody has heard of."""
    rows = lake.read("flights/clean", columns=["id", "t", "origin", "tail", "dist"])
    new = {"id": -1, "t": START, "origin": "nowhere", "tail": "N0", "dist": 1}
    return pa.concat_tables([rows, pa.Table.from_pylist([new], schema=rows.schema)])


def test_a_view_is_an_entity_with_all_that_is_looked_up_by_it(plan: FeaturePlan) -> None:
    found = {view.name.removeprefix("context/online/"): view.features for view in views(plan.table)}
    assert found["weather.origin"] == ("temperature",)
    assert found["planes.tail"] == ("seats",)
    assert found["flights.origin"] == ("delay_by_origin_6h", "delay_by_origin_2d")
    assert found["flights.origin.tail"] == ("flown_2d",)
    assert len(found["flights.tail"]) == 8
    assert found["weather.origin#2"] == ("warm_1d",)


def test_requests_get_the_same_features_both_ways(lake: Lake, store: OnlineStore, plan: FeaturePlan) -> None:
    refresh(lake, store, plan)
    assert skew(lake, store, plan, requests(lake)) == []
    looked = Lookup.of(lake, store, plan).of_requests(requests(lake).to_pylist(), now=as_of(lake, plan))
    for name in plan.table.feature_names():
        assert any(each.values[name] is not None for each in looked), name


def test_a_value_that_serving_would_answer_in_another_way_is_found(
    lake: Lake, store: OnlineStore, plan: FeaturePlan
) -> None:
    refresh(lake, store, plan)
    [view] = [view for view in views(plan.table) if "seats" in view.features]
    wrong = pa.table({"tail": ["N1"], "as_of": pa.nulls(1, pa.timestamp("us", "UTC")), "seats": [101.0]})
    store.put(view.name, view.by, wrong, time_column="as_of")
    found = skew(lake, store, plan, requests(lake))
    assert {(each.feature, each.offline, each.online) for each in found} == {("seats", 100.0, 101.0)}


@pytest.mark.parametrize("seed", range(2))
def test_refreshed_step_by_step_in_any_order_it_is_what_it_would_be_at_once(
    lake: Lake, tmp_path: Path, plan: FeaturePlan, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - data, no secret
    late = type(lake)(tmp_path / "late")  # type: ignore[call-arg]  # the embedded lake is a folder
    step_by_step, at_once = SqliteOnline(tmp_path / "step.db"), SqliteOnline(tmp_path / "once.db")
    for what, batch, rows in arrivals(lake, draw):
        late.write(what, rows, batch=batch)
        if late.exists("flights/clean") and late.exists("weather/clean") and late.exists("planes/clean"):
            refresh(late, step_by_step, plan)
            assert skew(late, step_by_step, plan, requests(lake)) == []
    refresh(late, at_once, plan)
    asked, now = requests(lake).to_pylist(), as_of(late, plan)
    one, other = (Lookup.of(late, each, plan).of_requests(asked, now=now) for each in (step_by_step, at_once))
    for first, second in zip(one, other, strict=True):
        assert first.values == pytest.approx(second.values, nan_ok=True)


def arrivals(lake: Lake, draw: random.Random) -> Iterator[tuple[str, str, pa.Table]]:
    """Batches out of order, two of them again with rows gone and outcomes changed, and planes that change."""
    planes, weather = lake.read("planes/clean"), lake.read("weather/clean")
    parts = [("flights/clean", batch, lake.read("flights/clean", batches=[batch])) for batch in BATCHES]
    parts += [("weather/clean", f"part-{i}", weather.filter(pc.equal(halves(weather), i))) for i in (0, 1)]
    draw.shuffle(parts)
    yield "planes/clean", "all", planes
    yield from parts
    for table, batch, rows in draw.sample(parts, 2):
        kept = rows.take([i for i in range(rows.num_rows) if draw.random() < 0.5])
        if table == "flights/clean":
            kept = kept.set_column(SCHEMA.get_field_index("delay"), "delay", pc.add(kept["delay"], 1.0))
        yield table, batch, kept
    yield "planes/clean", "more", pa.table({"tail": ["N1", "N3"], "seats": [101, 300]})


def halves(weather: pa.Table) -> pa.Array:
    return pa.array([(hour - START).days // 5 % 2 for hour in weather["hour"].to_pylist()])


def test_what_has_not_changed_is_not_written_again(lake: Lake, store: OnlineStore, plan: FeaturePlan) -> None:
    assert all(refresh(lake, store, plan).rows.values())
    assert set(refresh(lake, store, plan).rows.values()) == {0}
    lake.write("planes/clean", pa.table({"tail": ["N9"], "seats": [9]}), batch="new")
    again = refresh(lake, store, plan).rows
    assert {view: count for view, count in again.items() if count} == {"context/online/planes.tail": 1}


def test_a_changed_declaration_takes_every_entity_anew(lake: Lake, store: OnlineStore, plan_of: Plans) -> None:
    refresh(lake, store, plan_of())
    joins = [TABLE["joins"][0], {**TABLE["joins"][1], "columns": {"seats": "seats * 2"}}]
    changed = plan_of(joins=joins)
    refresh(lake, store, changed)
    assert skew(lake, store, changed, requests(lake)) == []


def test_a_look_up_tells_each_values_age_and_what_is_stale(lake: Lake, store: OnlineStore, plan_of: Plans) -> None:
    plan = plan_of(online={"max_age": "3h"})
    now = refresh(lake, store, plan).as_of
    assert now is not None
    asked = [{"id": 1, "origin": "EWR", "tail": "N2", "dist": 5}]
    lookup = Lookup.of(lake, store, plan)
    [fresh] = lookup.of_requests(asked, now=now)
    assert fresh.stale == ()
    assert fresh.ages["delay_by_origin_6h"] == timedelta(0)
    assert fresh.ages["seats"] is None
    assert "dist" not in fresh.ages
    [later] = lookup.of_requests(asked, now=now + timedelta(hours=4))
    assert later.ages["delay_by_origin_6h"] == timedelta(hours=4)
    assert set(later.stale) == {"temperature", "delay_by_origin_6h", "delay_by_origin_2d", "flown_2d"}


def test_a_value_expires_with_its_ttl_and_a_statistic_with_its_window(
    lake: Lake, store: OnlineStore, plan_of: Plans
) -> None:
    plan = plan_of()
    now = refresh(lake, store, plan).as_of
    assert now is not None
    lookup, asked = Lookup.of(lake, store, plan), [{"id": 1, "origin": "EWR", "tail": "N2", "dist": 5}]
    fresh, later, last = (lookup.of_requests(asked, now=now + timedelta(hours=hours))[0].values for hours in (0, 6, 48))
    assert fresh["temperature"] is not None
    assert fresh["flown_2d"] > 0
    assert later["temperature"] is None
    assert later["delay_by_origin_6h"] is None
    assert later["flown_2d"] == fresh["flown_2d"]
    assert (last["delay_by_origin_2d"], last["flown_2d"], last["seats"]) == (None, 0.0, 200.0)


def test_a_request_names_what_it_needs_and_is_told_what_it_lacks(
    lake: Lake, store: OnlineStore, plan_of: Plans
) -> None:
    refresh(lake, store, plan_of())
    lookup = Lookup.of(lake, store, plan_of())
    assert set(lookup.needs) == {"dist", "origin", "tail"}
    with pytest.raises(StoreError, match="lack columns; got: dist, tail"):
        lookup.of_requests([{"origin": "JFK"}])
    with pytest.raises(StoreError, match="cannot be read"):
        lookup.of_requests([{"origin": "JFK", "tail": "N1", "dist": "far"}])


def test_a_key_alone_is_enough_where_rows_are_kept(lake: Lake, store: OnlineStore, plan_of: Plans) -> None:
    plan, moment = plan_of(online={"max_age": "1h"}), datetime(2013, 1, 1, tzinfo=UTC)
    lookup = Lookup.of(lake, store, plan)
    assert lookup.of_key([7]) is None
    rows = {name: [1.0] for name in plan.table.feature_names()}
    data = pa.table({"id": [7], "event_time": pa.array([moment], pa.timestamp("us", "UTC")), **rows})
    store.put("context/online", ["id"], data, time_column="event_time")
    found = lookup.of_key([7], now=moment + timedelta(hours=2))
    assert found is not None
    assert found.values == dict.fromkeys(plan.table.feature_names(), 1.0)
    assert set(found.stale) == set(plan.table.feature_names())
    without = Lookup.of(lake, store, plan_of(online={"rows": False}))
    with pytest.raises(StoreError, match="keeps no rows online"):
        without.of_key([7])


def test_another_process_that_refreshes_meanwhile_is_waited_for(
    lake: Lake, store: OnlineStore, plan: FeaturePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[Any] = []
    marks = store.mark

    def overtaken(table: str) -> str:
        before = marks(table)
        if not refreshed:
            refreshed.append(1)
            other = type(store)(store.path)  # type: ignore[attr-defined,call-arg]  # the embedded store is a file
            refresh(lake, other, plan)
        return before

    monkeypatch.setattr(store, "mark", overtaken)
    refresh(lake, store, plan)
    assert skew(lake, store, plan, requests(lake)) == []
