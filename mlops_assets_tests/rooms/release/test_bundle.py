"""The serving bundle holds all that a service needs, and the same version gives the same one."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.train.candidates import hist_gradient_boosting, logistic
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import Builder, trained


@pytest.fixture
def store(tmp_path: Path) -> ServingStore:
    return ServingStore(tmp_path / "serving")


def test_it_holds_schema_golden_rows_parity_lock_and_card(store: ServingStore) -> None:
    plan = trips.plan(serve={"sensitive": ["origin"], "unknown_categories": {"carrier": "allow"}, "workers": 3})
    digest = bundle.put(store, trained(), plan, card="<h1>card</h1>")
    found = store.load("late_trips", digest)
    told = found.manifest
    assert set(found.files) == {"model.onnx", "model.skops", "environment.lock", "card.html"}
    assert b"scikit-learn==" in found.files["environment.lock"]
    assert (told["engine"], told["version"], told["run"], told["threshold"]) == ("onnx", 1, "run1", 0.5)
    assert told["parity"]["rows"] >= 5_000
    assert len(told["golden"]) >= 20
    assert told["serving"] == {"workers": 3, "batch_size": 64, "in_flight": 256}
    entries = {entry["name"]: entry for entry in told["schema"]}
    assert entries["distance"]["nullable"]
    assert not entries["rain"]["nullable"]
    assert entries["rain"]["minimum"] < 0 < entries["rain"]["maximum"]
    assert entries["origin"]["categories"] == ["EWR", "JFK"]
    assert (entries["origin"]["log"], entries["origin"]["unknown"]) == ("drop", "refuse")
    assert (entries["carrier"]["log"], entries["carrier"]["unknown"]) == ("keep", "allow")
    assert entries["carrier"]["nullable"]
    assert told["online"] == {
        "key": ["trip"],
        "tables": [
            {"table": "trip_facts/online", "features": list(trips.FEATURES), "clock": {"told": "wall", "views": []}}
        ],
    }
    json.dumps(told, allow_nan=False)


def test_the_same_version_gives_the_same_bundle(store: ServingStore) -> None:
    first = bundle.put(store, trained(), trips.plan(), card="card")
    assert bundle.put(store, trained(), trips.plan(), card="card") == first
    assert bundle.put(store, trained(number=2), trips.plan(), card="card") != first


@pytest.mark.parametrize("serve", [
    {"sensitive": ["origin"]}, {"privacy": {"rain": "bucket"}}, {"sensitive": ["trip"]}, {"durability": "power"},
    {"unknown_categories": {"carrier": "allow"}}, {"shadow": 0.05}, {"guard": {"max_error_rate": 0.1}}, {"workers": 2},
])  # fmt: skip
def test_a_bundle_of_another_declaration_is_outdated(serve: dict[str, Any], store: ServingStore) -> None:
    digest = bundle.put(store, trained(), trips.plan(), card="")
    told = store.load("late_trips", digest).manifest
    assert not bundle.outdated(told, trips.plan())
    assert bundle.outdated(told, trips.plan(serve=serve))
    again = store.load("late_trips", bundle.put(store, trained(), trips.plan(serve=serve), card="")).manifest
    assert not bundle.outdated(again, trips.plan(serve=serve))
    assert bundle.outdated(again, trips.plan())


def test_what_a_stress_test_has_set_is_in_the_next_bundle_unless_declared(store: ServingStore) -> None:
    store.set("late_trips", {"workers": 4, "in_flight": 99})
    digest = bundle.put(store, trained(), trips.plan(serve={"in_flight": 7}), card="")
    serving = store.load("late_trips", digest).manifest["serving"]
    assert serving == {"workers": 4, "batch_size": 64, "in_flight": 7}


@pytest.mark.parametrize("builder", [logistic, hist_gradient_boosting], ids=lambda each: each.__name__)
def test_the_explanation_is_of_a_linear_model_and_says_whose(builder: Builder, store: ServingStore) -> None:
    digest = bundle.put(store, trained(builder), trips.plan(), card="")
    told = store.load("late_trips", digest).manifest["explanation"]
    assert told["of"].startswith("the model itself" if builder is logistic else "a simpler linear model")
    assert set(told["numbers"]) == {"distance", "rain", "noise"}
    assert set(told["categories"]) == {"carrier", "origin"}
    assert told["numbers"]["distance"]["terms"][0] > 0.5
