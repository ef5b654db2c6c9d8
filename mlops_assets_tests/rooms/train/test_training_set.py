"""The training set: matured labels only, split by time, and clear words when there is too little."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlops_assets.errors import TrainingError, UnknownName
from mlops_assets.rooms.train.fit import refit
from mlops_assets.rooms.train.ground import Ground, group_folds
from mlops_assets.rooms.train.select import leaderboard
from mlops_assets.rooms.train.training_set import assemble, examples, inputs, sizes, span
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.fingerprint import of_table
from mlops_assets_tests.rooms import trips


def assembled(folder: Path, plan: ModelPlan, data: pa.Table) -> pa.Table:
    lake = trips.world(folder).lake
    trips.fill(lake, data)
    return assemble(lake, plan, inputs(lake, plan))


def test_the_latest_stretch_is_held_out_and_training_ends_before_it(tmp_path: Path) -> None:
    rows = assembled(tmp_path, trips.plan(), trips.rows())
    first, last = span(rows.filter(pc.equal(rows["split"], "holdout")))
    _, trained = span(rows.filter(pc.equal(rows["split"], "train")))
    assert first is not None
    assert last is not None
    assert trained is not None
    assert trained < first
    assert timedelta(days=27) < last - first < timedelta(days=28)


def test_a_label_that_is_not_mature_by_the_datas_clock_is_left_out(tmp_path: Path) -> None:
    data = trips.rows()
    rows = assembled(tmp_path, trips.plan(), data)
    clock = pc.max(data["event_time"]).as_py()
    _, newest = span(rows)
    assert newest is not None
    assert newest <= clock - timedelta(days=1)
    assert newest > clock - timedelta(days=1, hours=2)


def test_an_outcome_known_later_than_the_clock_is_no_label_yet(tmp_path: Path) -> None:
    lake = trips.world(tmp_path).lake
    trips.fill(lake, trips.rows())
    labels = lake.read("late_trips/labels")
    late = pc.if_else(pc.equal(labels["trip"], 7), pa.scalar(trips.START + timedelta(days=900)), labels["known_at"])
    lake.write("late_trips/labels", labels.drop_columns(["known_at"]).append_column("known_at", late), batch="all")
    rows = assemble(lake, trips.plan(), inputs(lake, trips.plan()))
    assert 7 not in rows["trip"].to_pylist()
    assert 8 in rows["trip"].to_pylist()


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    data = trips.rows()
    gone = pc.if_else(pc.less(data["trip"], 100), pa.scalar(None, pa.float64()), data["label"])
    rows = assembled(tmp_path, trips.plan(), data.drop_columns(["label"]).append_column("label", gone))
    assert pc.min(rows["trip"]).as_py() == 100


def test_a_window_leaves_older_rows_out_and_keeps_the_holdout(tmp_path: Path) -> None:
    rows = assembled(tmp_path, trips.plan(train={"window": "30d"}), trips.rows())
    first, last = span(rows)
    assert first is not None
    assert last is not None
    assert timedelta(days=57) < last - first < timedelta(days=58)


def test_without_event_time_a_share_of_the_keys_is_held_out_and_stays_so(tmp_path: Path) -> None:
    plan = trips.plan(timed=False)
    few = assembled(tmp_path / "few", plan, trips.rows(2_000, timed=False))
    many = assembled(tmp_path / "many", plan, trips.rows(4_000, timed=False))
    held = {
        rows.num_rows: set(rows.filter(pc.equal(rows["split"], "holdout"))["trip"].to_pylist()) for rows in (few, many)
    }
    assert len(held[4_000]) == pytest.approx(800, rel=0.15)
    assert {trip for trip in held[4_000] if trip < 2_000} == held[2_000]


def grouped(folder: Path, rows: int = 2_000, group: str = "rider") -> tuple[ModelPlan, pa.Table]:
    """A training set of riders with ten trips each, half of whom nobody knows by name."""
    plan, lake, data = (
        trips.plan(timed=False, train={"group": group}),
        trips.world(folder).lake,
        trips.rows(rows, timed=False),
    )
    trips.fill(lake, data)
    rider = pc.if_else(pc.less(data["trip"], rows // 2), pc.divide(data["trip"], 10), pa.scalar(None, pa.int64()))
    lake.write("trips/clean", lake.read("trips/clean").append_column("rider", rider), batch="all")
    return plan, assemble(lake, plan, inputs(lake, plan))


def test_rows_of_a_group_never_stand_on_both_sides_of_a_split(tmp_path: Path) -> None:
    plan, rows = grouped(tmp_path)
    train, held = (rows.filter(pc.equal(rows["split"], split)) for split in ("train", "holdout"))
    assert not set(train["split_group"].to_pylist()) & set(held["split_group"].to_pylist())
    assert held.num_rows == pytest.approx(400, rel=0.3)
    learnt = examples(rows, plan, "train")
    ground = Ground.of(learnt, seed=0)
    assert learnt.groups is not None
    folds_of = [set(ground.folds[learnt.groups == group].tolist()) for group in set(learnt.groups.tolist())]
    assert all(len(folds) == 1 for folds in folds_of)
    assert np.bincount(ground.folds).min() > len(learnt.labels) / 4
    assert all(len(set(ground.blocks[learnt.groups == group].tolist())) == 1 for group in set(learnt.groups.tolist()))


def test_a_model_of_groups_is_trained_and_says_by_what_rows_were_held_out(tmp_path: Path) -> None:
    plan, rows = grouped(tmp_path)
    learnt = examples(rows, plan, "train")
    board = leaderboard(learnt, plan)
    assert board.chosen == "logistic"
    made_of = {"inputs": {}, "code": {}, "environment": ""}
    assert refit(learnt, board, plan, made_of=made_of).manifest["group"] == "rider"


def test_a_group_held_out_stays_so_as_rows_come_and_a_row_of_no_group_is_one_of_its_own(tmp_path: Path) -> None:
    few, many = grouped(tmp_path / "few", 2_000)[1], grouped(tmp_path / "many", 4_000)[1]
    sides = [dict(zip(rows["split_group"].to_pylist(), rows["split"].to_pylist(), strict=True)) for rows in (few, many)]
    shared = sides[0].keys() & sides[1].keys()
    assert len([group for group in shared if group.startswith("g")]) == 100
    assert all(sides[0][group] == sides[1][group] for group in shared)
    assert len([group for group in sides[0] if group.startswith("k")]) == 1_000


def test_a_group_that_is_no_column_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown column for train.group 'ridr'.*did you mean 'rider'"):
        grouped(tmp_path, 600, "ridr")


def test_too_few_groups_to_compare_candidates_on_are_said() -> None:
    with pytest.raises(TrainingError, match="too few groups to compare candidates on; got: 2"):
        group_folds(np.array([0, 1, 1, 0]))


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"min_labels": 100_000}, r"too few matured labels; got: 39\d\d; allowed: 100000 or more"),
        ({"min_history": "365d"}, "span too little time"),
        ({"holdout": "300d"}, "the train rows tell nothing; got: 0 rows"),
    ],
)
def test_too_little_to_learn_from_is_said_with_figures(tmp_path: Path, declared: dict[str, object], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        assembled(tmp_path, trips.plan(train=declared), trips.rows())


def test_the_order_in_which_batches_came_does_not_matter(tmp_path: Path) -> None:
    plan, data = trips.plan(), trips.rows()
    made = []
    for name, parts in (("one", [data]), ("two", [data.slice(2_000), data.slice(0, 2_000)])):
        lake = trips.world(tmp_path / name).lake
        for number, part in enumerate(parts):
            trips.fill(lake, part, batch=str(number))
        made.append(assemble(lake, plan, inputs(lake, plan)))
    assert made[0]["trip"].equals(made[1]["trip"])
    assert of_table(made[0]) == of_table(made[1])


def test_examples_are_numbers_and_categories_in_the_declared_order(tmp_path: Path) -> None:
    rows = assembled(tmp_path, trips.plan(), trips.rows())
    train = examples(rows, trips.plan(), "train")
    assert list(train.frame.columns) == list(trips.FEATURES)
    assert [f.kind for f in train.features] == ["number", "number", "number", "category", "category"]
    assert train.frame["carrier"].isna().any()
    assert set(map(type, train.frame["carrier"])) == {str, type(None)}
    assert len(train.labels) == sizes(rows, trips.plan())["train_rows"]
