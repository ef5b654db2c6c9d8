"""A sweep finds the knee and the first error, and the limits that follow are in force where the model is served."""

from pathlib import Path

import pytest

from mlops_assets.rooms.serve.load import Level
from mlops_assets.rooms.serve.stress import concluded, stress
from mlops_assets.rooms.serve.stress_page import page
from mlops_assets.settings import Settings
from mlops_assets.stores.serving import ServingStore, in_force
from mlops_assets_tests.rooms.serve.running import MODEL, release


def level(workers: int, connections: int, throughput: float, errors: int = 0) -> Level:
    return Level(workers, connections, throughput, 1.0, 5.0, errors)


def test_the_knee_is_where_more_connections_bring_no_more_answers() -> None:
    found = concluded([level(1, at, speed) for at, speed in ((1, 100), (4, 380), (16, 950), (64, 1_000))])
    assert found.knee.connections == 16
    assert found.first_error is None
    assert found.settings == {"workers": 1, "batch_size": 16, "in_flight": 64}


def test_beyond_the_first_error_nobody_is_let_in() -> None:
    found = concluded([level(1, 8, 500), level(1, 32, 1_000), level(1, 128, 800, errors=7)])
    assert found.first_error is not None
    assert found.first_error.connections == 128
    assert found.settings["in_flight"] == 64


def test_a_further_process_is_taken_only_where_it_brings_more() -> None:
    one, same, more = [level(1, 16, 1_000)], [level(2, 16, 1_100)], [level(2, 16, 1_900)]
    assert concluded(one + same).settings["workers"] == 1
    assert concluded(one + more).settings["workers"] == 2


@pytest.mark.slow
def test_a_sweep_sets_the_limits_of_the_live_bundle_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    store = ServingStore(Settings(tmp_path).serving)
    first, live = release(tmp_path, 1), release(tmp_path, 2, in_flight=77)
    told = stress(store, MODEL, first, levels=(1,), seconds=0.2)
    assert (told.knee.connections, told.knee.errors, told.knee.throughput > 1) == (1, 0, True)
    assert store.settings(MODEL) == {}, "another version's limits are told, not set"
    found = stress(store, MODEL, live, levels=(1, 4), seconds=0.2)
    assert store.settings(MODEL) == found.settings
    assert [each.connections for each in found.levels] == [1, 4]
    manifest = store.load(MODEL, live).manifest
    assert in_force(manifest, store.settings(MODEL)) == {**found.settings, "in_flight": 77}
    assert "answers a second" in page(MODEL, found)
    assert store.live(MODEL) is not None
    assert not (Settings(tmp_path).prediction_log / MODEL).exists(), "the load was on a private instance"
