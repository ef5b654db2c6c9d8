"""The challenger: registered once for the same ingredients, with a manifest, a reference and a snapshot."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mlops_assets import keys
from mlops_assets.errors import NotFound
from mlops_assets.rooms.train import board as boards
from mlops_assets.rooms.train.challenger import Challenger, challenge, faults
from mlops_assets.rooms.train.fit import REFERENCE
from mlops_assets.rooms.train.identity import ingredients
from mlops_assets.rooms.train.select import leaderboard
from mlops_assets.rooms.train.snapshot import of_version
from mlops_assets.rooms.train.training_set import examples
from mlops_assets.spec.plan import ModelPlan
from mlops_assets_tests.rooms import trips

TAGS = {"dagster_run": "r1"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[trips.World, ModelPlan, Challenger]:
    world, plan = trips.world(tmp_path_factory.mktemp("world")), trips.plan()
    trips.fill(world.lake, trips.rows())
    trips.train(world, plan)
    return world, plan, challenge(world.lake, world.registry, world.lineage, plan, tags=TAGS)


Made = tuple[trips.World, ModelPlan, Challenger]


def test_the_manifest_says_what_a_reader_of_the_model_must_know(made: Made) -> None:
    _, _, challenger = made
    manifest = challenger.manifest
    assert manifest["candidate"] == "logistic"
    assert [feature["name"] for feature in manifest["features"]] == list(trips.FEATURES)
    assert manifest["trained_from"] < manifest["trained_until"] < "2024-04-02"
    assert manifest["metrics"]["roc_auc"] > 0.7
    tables = {"late_trips/training_set", "late_trips/labels", "trips/clean", "trip_facts/offline"}
    assert set(manifest["inputs"]) == tables
    tags = {tag for tag in challenger.version.tags if tag.startswith("version/")}
    assert tags == {f"version/{table}" for table in tables}
    assert faults(challenger) == []


def test_the_reference_holds_features_labels_and_out_of_fold_scores_over_all_of_training(made: Made) -> None:
    world, plan, challenger = made
    rows = pq.read_table(pa.BufferReader(challenger.bundle.files[REFERENCE]))
    assert rows.column_names == ["event_time", *trips.FEATURES, "label", "score"]
    assert rows.num_rows == challenger.manifest["train_rows"]
    assert pc.max(rows["event_time"]).as_py().isoformat() == challenger.manifest["trained_until"]
    train = examples(world.lake.read(keys.table(plan.name, "training_set")), plan, "train")
    fitted = challenger.bundle.pipeline.predict_proba(train.frame)[:, 1]
    assert abs(rows["score"].to_numpy() - fitted).max() > 0


def test_the_same_ingredients_make_no_second_version_and_no_second_run(made: Made) -> None:
    world, plan, challenger = made
    again = trips.train(world, plan)
    assert challenger.changed is True or again.changed is False
    assert again.version == challenger.version
    assert again.snapshot == challenger.snapshot
    client = world.registry.client()
    assert len(client.search_runs([world.registry.experiment(plan.name)])) == 1


def test_the_snapshot_is_in_the_lineage_once_and_verifies(made: Made) -> None:
    world, plan, challenger = made
    assert of_version(world.lineage, plan.name, challenger.version.number) == challenger.snapshot
    assert challenger.snapshot.digest == challenger.version.digest
    assert len(world.lineage.records("snapshot", plan.name)) == 1
    world.lineage.verify()
    with pytest.raises(NotFound, match="no snapshot of model 'late_trips'; got: 9; allowed: 1"):
        of_version(world.lineage, plan.name, 9)


def test_a_leaderboard_comes_back_from_the_lake_as_it_was(made: Made) -> None:
    world, plan, _ = made
    identity = ingredients(world.lake, plan).identity
    train = examples(world.lake.read(keys.table(plan.name, "training_set")), plan, "train")
    fresh = leaderboard(train, plan)
    found = boards.load(world.lake, plan, identity)
    assert found.chosen == fresh.chosen
    assert found.entries[1] == fresh.entries[1]
    assert (found.scores == fresh.scores).all()


@pytest.mark.parametrize("declared", [{"seed": 1}, {"margin": 0.01}])
def test_a_changed_declaration_asks_for_a_new_leaderboard(made: Made, declared: dict[str, Any]) -> None:
    world, _, _ = made
    changed = trips.plan(train=declared)
    with pytest.raises(
        NotFound, match=r"no leaderboard of the newest training set.*next: materialize late_trips/leader"
    ):
        challenge(world.lake, world.registry, world.lineage, changed, tags=TAGS)
