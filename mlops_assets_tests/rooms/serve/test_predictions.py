from collections.abc import Sized
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from numpy.typing import NDArray

from mlops_assets.rooms.serve.assets import build
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.served import APRIL, ServedStores, champion, run, split

KEY = dg.AssetKey(["late_trips", "predictions"])


class Wild:
    """A model gone mad."""

    def predict_proba(self, frame: Sized) -> NDArray[np.float64]:
        return np.full((len(frame), 2), np.nan)


@pytest.fixture
def stores(tmp_path: Path) -> ServedStores:
    return ServedStores(home=str(tmp_path))


def test_without_a_champion_nothing_is_predicted_and_the_run_succeeds(stores: ServedStores) -> None:
    trips.fill(stores.lake(), trips.rows(), batch="april")
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(build(trips.plan()), stores, "april", instance)
        assert result.success
        assert not result.get_asset_materialization_events()
    assert not stores.predictions().exists("late_trips")


def test_the_champion_answers_a_batch_and_the_same_batch_again_the_same(stores: ServedStores) -> None:
    early, late = split(trips.rows())
    champion(stores.registry(), early, trips.plan())
    trips.fill(stores.lake(), late, batch="april")
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(build(trips.plan()), stores, "april", instance).success
        first = stores.lake().version("late_trips/predictions")
        champion(stores.registry(), early.slice(0, 300), trips.plan())
        result = run(build(trips.plan()), stores, "april", instance)
        assert result.success
        assert result.get_asset_check_evaluations()[0].passed
    assert stores.lake().version("late_trips/predictions") == first
    assert set(stores.predictions().read("late_trips")["model_version"].to_pylist()) == {1}


def test_scores_that_are_no_numbers_stop_the_way_and_are_not_kept(stores: ServedStores) -> None:
    early, late = split(trips.rows())
    champion(stores.registry(), early, trips.plan())
    bundle = stores.registry().bundles[1]
    stores.registry().bundles[1] = type(bundle)(bundle.version, Wild(), bundle.files)
    trips.fill(stores.lake(), late, batch="april")
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(build(trips.plan()), stores, "april", instance)
        assert not result.success
        assert not result.get_asset_check_evaluations()[0].passed
        assert not result.get_asset_materialization_events()
    assert not stores.predictions().exists("late_trips")


def test_labels_are_never_read(stores: ServedStores) -> None:
    early, late = split(trips.rows())
    champion(stores.registry(), early, trips.plan())
    stores.lake().write("trip_facts/offline", late.drop_columns(["label"]), batch="april")
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(build(trips.plan()), stores, "april", instance).success
    assert stores.predictions().read("late_trips").num_rows == late.num_rows


@pytest.mark.parametrize(("action", "answers"), [("warn", True), ("retrain", True), ("stop", False)])
def test_only_an_expiry_that_stops_leaves_a_batch_without_answers_and_says_so(
    stores: ServedStores, action: str, answers: bool
) -> None:
    early, late = split(trips.rows())
    plan = trips.plan(expiry={"after": "10d", "action": action})
    champion(stores.registry(), early, plan)
    stores.lineage().append("release", "late_trips", {"version": 1, "at": APRIL.isoformat()})
    trips.fill(stores.lake(), late, batch="april")
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(build(plan), stores, "april", instance)
    assert result.success
    assert bool(result.get_asset_materialization_events()) is answers
    [check] = result.get_asset_check_evaluations()
    assert (
        "has expired: released 28 days ago, of 10d allowed; it answers no more" in str(check.description)
    ) != answers
