"""A challenger that learns from the held-out rows, too, judged by its twin; and one that answers with the champion."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from mlops_assets.errors import Damaged, SpecError, TrainingError
from mlops_assets.rooms.evaluate.evidence import gather
from mlops_assets.rooms.evaluate.gates import objective, unseen
from mlops_assets.rooms.govern import remake
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.release.bundle import exported
from mlops_assets.rooms.train import twin
from mlops_assets.rooms.train.blend import STEP, Before, blended, newest, older
from mlops_assets.rooms.train.candidates import candidate
from mlops_assets.rooms.train.challenger import Challenger
from mlops_assets.rooms.train.inputs import frame
from mlops_assets.rooms.train.snapshot import of_version
from mlops_assets.rooms.train.training_set import examples
from mlops_assets.spec.plan import NOWHERE, ModelPlan
from mlops_assets.stores import bundle
from mlops_assets_tests.rooms import judging, trips

DAYS, LATER, WEIGHT = 120, 180, 0.25


def declared(**train: Any) -> ModelPlan:
    return trips.plan(train={"refit": True, "blend": WEIGHT, **train}, evaluate={"resamples": 100})


Lives = tuple[trips.World, ModelPlan, Challenger, Challenger]


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """A first model on 120 days, made the champion, and a challenger on 180."""
    world, plan = trips.world(tmp_path_factory.mktemp("world")), declared()
    whole = trips.rows(6_000, LATER)
    early = pc.less(whole["event_time"], trips.START + timedelta(days=DAYS))
    trips.fill(world.lake, whole.filter(early), batch="early")
    first = trips.train(world, plan)
    world.registry.promote(first.version, evidence="test")
    trips.fill(world.lake, whole.filter(pc.invert(early)), batch="late")
    return world, plan, first, trips.train(world, plan)


def test_it_learns_from_all_rows_and_says_until_when_its_twin_did(lives: Lives) -> None:
    _, _, first, _ = lives
    assert first.manifest["trained_until"][:10] == "2024-04-28"
    assert first.manifest["twin_until"][:10] == "2024-03-31"
    assert first.manifest["train_rows"] > 3_900
    assert "blended" not in first.manifest
    assert STEP not in first.bundle.pipeline.named_steps


def test_the_verdict_looks_at_the_twins_answers_which_have_not_seen_the_rows(lives: Lives) -> None:
    world, plan, _, second = lives
    evidence = gather(world.lake, world.registry, world.lineage, plan)
    own = evidence.task.scores(second.bundle.pipeline, evidence.holdout.frame)
    assert evidence.challenger.twin_until == second.manifest["twin_until"]
    assert 0 < np.abs(own - evidence.challenger.scores).max() < 0.2
    assert unseen(evidence).passed
    seen = replace(evidence, challenger=replace(evidence.challenger, twin_until=None))
    assert not unseen(seen).passed


def test_answers_about_other_rows_are_refused(lives: Lives) -> None:
    world, plan, _, second = lives
    rows = world.lake.read("late_trips/training_set")
    held = examples(rows, plan, "holdout")
    assert twin.scores(second.bundle.files, held).shape == held.labels.shape
    with pytest.raises(Damaged, match="the twin's answers are about other rows"):
        twin.scores(second.bundle.files, examples(rows, plan, "train"))


def test_a_blend_answers_with_the_weighted_mean_of_the_new_fit_and_the_champions_own(lives: Lives) -> None:
    _, _, first, second = lives
    assert second.manifest["blended"] == {"version": 1, "digest": first.version.digest, "weight": WEIGHT}
    data, both = judging.holdout(200).frame, second.bundle.pipeline
    parts = [Binary().scores(fit, data) for fit in (newest(both), older(both))]
    assert np.allclose(Binary().scores(both, data), (1 - WEIGHT) * parts[0] + WEIGHT * parts[1])
    assert np.array_equal(parts[1], Binary().scores(first.bundle.pipeline, data))


def test_a_blend_is_served_by_scikit_learn_and_says_why(lives: Lives) -> None:
    _, _, first, second = lives
    said = [exported(each.bundle).parity for each in (first, second)]
    assert said[0].exact
    assert said[1].reason == "the pipeline is not made of columns and a model"


def test_it_is_made_again_to_the_byte_from_its_snapshot_and_the_earlier_fit(lives: Lives, tmp_path: Path) -> None:
    world, plan, _, second = lives
    for name, content in {**second.bundle.files, bundle.MODEL_FILE: bundle.dumps(second.bundle.pipeline)}.items():
        (tmp_path / name).write_bytes(content)
    snapshot = of_version(world.lineage, plan.name, second.version.number)
    assert json.loads((tmp_path / "manifest.json").read_text())["blended"]["version"] == 1
    assert remake.retrained(world.lake, plan, snapshot, tmp_path) == second.version.digest


def test_fits_that_know_other_classes_are_not_blended() -> None:
    data = trips.rows(600, 20)
    features, input_ = judging.FEATURES, frame(data, judging.FEATURES)
    build, yes = candidate("multiclass", "logistic", NOWHERE), data["label"].to_numpy().astype(int)
    two, three = build(features, 0).fit(input_, yes), build(features, 0).fit(input_, yes + np.arange(600) % 2)
    with pytest.raises(TrainingError, match="two fits that know other classes cannot be blended"):
        blended(three, Before(two, 1, "d", WEIGHT))


def test_values_are_blended_as_well() -> None:
    data = trips.rows(600, 20)
    input_, value = frame(data, judging.FEATURES), data["rain"].to_numpy()
    build = candidate("regression", "ridge", NOWHERE)
    fits = [build(judging.FEATURES, 0).fit(input_, value * factor) for factor in (1.0, 3.0)]
    both = blended(fits[0], Before(fits[1], 1, "d", WEIGHT)).predict(input_)
    assert np.allclose(both, (1 - WEIGHT) * fits[0].predict(input_) + WEIGHT * fits[1].predict(input_))


def test_rows_that_are_held_out_for_ever_are_never_learnt_from() -> None:
    with pytest.raises(SpecError, match=r"has train\.refit, but the rows of dataset 'trips' have no event time"):
        trips.plan(timed=False, train={"refit": True})


def test_the_objective_of_the_champions_recipe_is_asked_for_no_harm_only(lives: Lives) -> None:
    world, plan, _, _ = lives
    proof = plan.model.evaluate.model_copy(update={"proof": "not_worse"})
    lenient = replace(plan, model=plan.model.model_copy(update={"evaluate": proof}))
    evidence = gather(world.lake, world.registry, world.lineage, plan)
    kind = replace(evidence, plan=lenient)
    assert kind.lenient
    assert not evidence.lenient
    assert "is not clearly worse than version 1" in objective(kind).reason
