"""A champion that is too old is seen to be, by the clock that is declared, and acts as declared."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mlops_assets.rooms.release.assets import build
from mlops_assets.rooms.release.expiry import age, stopped
from mlops_assets.rooms.release.stopping import stop_when_expired
from mlops_assets.spec.retrain import Expiry
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.lineage import SqliteLineage
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms import trips

RELEASED = datetime(2013, 3, 31, tzinfo=UTC)


@pytest.fixture
def lineage(tmp_path: Path) -> SqliteLineage:
    found = SqliteLineage(tmp_path / "lineage.db")
    found.append("release", "late", {"version": 3, "at": RELEASED.isoformat()})
    return found


def expiry(**declared: Any) -> Expiry:
    return Expiry.model_validate({"after": "90d", **declared})


@pytest.mark.parametrize(("days", "expired"), [(89, False), (90, True)])
def test_by_the_datas_own_clock_a_replay_expires_as_the_year_did(
    lineage: SqliteLineage, days: int, expired: bool
) -> None:
    found = age(expiry(), lineage.latest("release", "late"), RELEASED + timedelta(days=days))
    assert found is not None
    assert found.expired is expired
    assert f"{days} days" in found.words


def test_by_the_wall_a_release_of_today_is_young_whatever_the_data_say(lineage: SqliteLineage) -> None:
    found = age(expiry(clock="wall"), lineage.latest("release", "late"), RELEASED + timedelta(days=900))
    assert found is not None
    assert not found.expired


def test_rows_without_a_time_age_by_the_wall(lineage: SqliteLineage) -> None:
    lineage.append("release", "timeless", {"version": 1, "at": ""})
    found = age(expiry(), lineage.latest("release", "timeless"), None)
    assert found is not None
    assert found.age < timedelta(hours=1)


def test_without_a_declaration_or_a_release_there_is_no_age(lineage: SqliteLineage) -> None:
    assert age(None, lineage.latest("release", "late"), RELEASED) is None
    assert age(expiry(), None, RELEASED) is None


@pytest.mark.parametrize(("action", "stops"), [("warn", False), ("retrain", False), ("stop", True)])
def test_only_stop_stops_the_answers(lineage: SqliteLineage, action: str, stops: bool) -> None:
    late = RELEASED + timedelta(days=91)
    said = stopped(lineage, "late", expiry(action=action), late)
    assert bool(said) is stops
    assert not stops or said == "version 3 has expired: released 91 days ago, of 90d allowed; it answers no more"
    assert not stopped(lineage, "late", expiry(action=action), RELEASED)


def test_the_champion_carries_the_maximum_age_as_dagsters_freshness_policy() -> None:
    [asset] = build(trips.plan(expiry={"after": "90d"}))
    [spec] = asset.specs
    assert spec.freshness_policy == dg.FreshnessPolicy.time_window(timedelta(days=90), warn_window=timedelta(days=81))
    [asset] = build(trips.plan())
    assert [spec.freshness_policy for spec in asset.specs] == [None]


@pytest.mark.parametrize(("clock", "after"), [("data", "10d"), ("data", "900d"), ("wall", "10d")])
def test_the_service_is_told_from_when_it_may_answer_no_more(tmp_path: Path, clock: str, after: str) -> None:
    store, lake, lineage = (
        ServingStore(tmp_path / "serving"),
        DeltaLake(tmp_path / "lake"),
        SqliteLineage(tmp_path / "l"),
    )
    trips.fill(lake, trips.rows(50))
    plan = trips.plan(expiry={"after": after, "action": "stop", "clock": clock})
    assert stop_when_expired(store, lineage, lake, plan) == ""
    store.release(plan.name, store.put(plan.name, {"version": 3}, {}), evidence="a verdict")
    record = lineage.append("release", plan.name, {"version": 3, "at": trips.START.isoformat()})
    ends = stop_when_expired(store, lineage, lake, plan)
    if clock == "wall":
        assert datetime.fromisoformat(ends) == datetime.fromisoformat(record.at) + timedelta(days=10)
    else:
        assert ends == ((trips.START + timedelta(days=10)).isoformat() if after == "10d" else "")
    live = store.live(plan.name)
    assert live is not None
    told = f"version 3 has expired, 10d after its release: on {ends[:10]} by the {clock}'s clock; it answers no more"
    assert (live.stops, live.why) == (ends, told if ends else "")
    store.release(plan.name, store.put(plan.name, {"version": 4}, {}), evidence="a verdict")
    live = store.live(plan.name)
    assert live is not None
    assert live.stops == "", "a release begins anew"
