"""The whole way of a model on real stores: first model, unchanged input, a worse one refused, a better one released."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from mlops_assets.errors import NotFound
from mlops_assets.rooms.evaluate.evidence import gather
from mlops_assets.rooms.evaluate.verdict import Verdict, decide
from mlops_assets.rooms.govern.history import life
from mlops_assets.rooms.release.promotion import latest_verdict, release
from mlops_assets.spec.plan import ModelPlan
from mlops_assets_tests.rooms import trips


def guessing(plan: ModelPlan) -> ModelPlan:
    train = plan.model.train.model_copy(update={"candidates": ("base_rate",)})
    return replace(plan, model=plan.model.model_copy(update={"train": train}))


def retrain(world: trips.World, plan: ModelPlan) -> Verdict:
    made = trips.train(world, plan)
    verdict = decide(gather(world.lake, world.registry, world.lineage, plan))
    verdict.record(world.lineage)
    assert verdict.challenger == made.version.number
    if verdict.accepted:
        until = made.manifest["trained_until"]
        release(world.registry, world.lineage, plan.name, latest_verdict(world.lineage, plan.name), trained_until=until)
    return verdict


@pytest.mark.slow
def test_a_run_that_was_killed_after_the_release_judges_as_it_did_before(tmp_path: Path) -> None:
    world, plan = trips.world(tmp_path), trips.plan(columns={"rain": "rain", "distance": "distance"})
    trips.fill(world.lake, trips.rows(3_000, 60), batch="spring")
    world.lineage.append("retrain_request", plan.name, {"causes": ["new_data"]})
    first = retrain(world, plan)
    assert first.decision == "FIRST_MODEL"
    again = decide(gather(world.lake, world.registry, world.lineage, plan))
    assert again.digest == first.digest
    again.record(world.lineage)
    assert len(world.lineage.records("verdict", plan.name)) == 1
    world.lineage.append("retrain_request", plan.name, {"causes": ["demand"]})
    assert decide(gather(world.lake, world.registry, world.lineage, plan)).decision == "REJECT"


@pytest.mark.slow
def test_only_evidence_promotes(tmp_path: Path) -> None:
    world, data = trips.world(tmp_path), trips.rows(12_000, 240)
    blind = trips.plan(columns={"noise": "noise", "rain": "rain"})
    plan = trips.plan(columns={"noise": "noise", "rain": "rain", "distance": "distance", "carrier": "carrier"})
    trips.fill(world.lake, data.slice(0, 6_000), batch="spring")

    with pytest.raises(NotFound, match="late_trips/training_set"):
        gather(world.lake, world.registry, world.lineage, blind)
    assert retrain(world, blind).decision == "FIRST_MODEL"

    again = retrain(world, blind)
    assert (again.decision, again.challenger, again.champion) == ("REJECT", 1, 1)

    trips.fill(world.lake, data.slice(6_000), batch="summer")
    accepted = retrain(world, plan)
    gate = accepted.gate("objective")
    assert (accepted.decision, accepted.challenger, accepted.champion) == ("ACCEPT", 2, 1)
    assert gate is not None
    assert gate.low is not None
    assert gate.low > 0

    worse = retrain(world, guessing(plan))
    assert (worse.decision, worse.challenger, worse.champion) == ("REJECT", 3, 2)

    champion = world.registry.champion(plan.name)
    assert champion is not None
    assert champion.number == 2
    world.lineage.verify()
    told = life(world.lineage, plan.name, 2)
    assert [verdict.decision for verdict in told.verdicts] == ["ACCEPT"]
    assert [record.body["replaces"] for record in told.releases] == [1]
    assert told.snapshot.version == 2


@pytest.mark.slow
def test_a_champion_that_needs_a_feature_that_is_gone_stops_the_judging(tmp_path: Path) -> None:
    from mlops_assets.errors import TrainingError

    world = trips.world(tmp_path)
    trips.fill(world.lake, trips.rows(6_000))
    retrain(world, trips.plan(columns={"rain": "rain", "distance": "distance"}))
    with pytest.raises(TrainingError, match="the rows lack features of the model; got: distance"):
        retrain(world, trips.plan(columns={"rain": "rain"}))


@pytest.mark.slow
def test_without_event_time_the_whole_way_works_too(tmp_path: Path) -> None:
    world, plan = trips.world(tmp_path), trips.plan(timed=False)
    data = trips.rows(6_000, timed=False)
    trips.fill(world.lake, data)
    labels = world.lake.read("late_trips/labels")
    unknown = pa.nulls(len(labels), labels.schema.field("known_at").type)
    place = labels.column_names.index("known_at")
    world.lake.write("late_trips/labels", labels.set_column(place, "known_at", unknown), batch="all")
    verdict = retrain(world, plan)
    assert (verdict.decision, verdict.window, verdict.failed()) == ("FIRST_MODEL", ("", ""), ())
