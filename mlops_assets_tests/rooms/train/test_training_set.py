"""The training set: matured labels only, split by time, and clear words when there is too little."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlops_assets.errors import TrainingError
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
