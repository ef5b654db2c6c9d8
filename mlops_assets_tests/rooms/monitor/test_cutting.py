"""Answers cut into windows of so many, or of a stretch of time: each is judged once, whenever it comes."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.rooms.monitor import assets as monitor
from mlops_assets.rooms.monitor import cutting
from mlops_assets.rooms.monitor.history import record, timeline
from mlops_assets.rooms.serve import assets as serve
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.predictions import ONLINE, LakePredictions
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.served import ServedStores, champion, run, split

NAME = "late_trips"
WEEK = "7d"
Told = tuple[ServedStores, list[dg.ExecuteInProcessResult]]
MONDAY = datetime(2024, 4, 1, tzinfo=UTC)


class Log:
    """Answers as the prediction log keeps them, without a model."""

    def __init__(self, folder: Path, window: str) -> None:
        """Nothing was answered yet."""
        self.lake, self.lock = DeltaLake(folder / "lake"), folder / "lock"
        self.plan = trips.plan(monitor={"window": window})

    def answer(self, batch: str, first: int, days: list[float], *, version: int = 1) -> None:
        """Answer a batch of trips, each so many days after that Monday; it is the newest data."""
        at = pa.array([MONDAY + timedelta(days=day) for day in days], pa.timestamp("us", tz="UTC"))
        trip = [first + place for place in range(len(days))]
        table = {"prediction_id": [f"p{each:04d}" for each in trip], "trip": trip, "event_time": at}
        rows = pa.table({**table, "model_version": pa.array([version] * len(days), pa.int64())})
        self.lake.write(keys.table(NAME, "predictions"), rows, batch=batch)
        self.lake.write("trips/clean", pa.table({"trip": trip, "at": at}), batch=batch)

    def ask(self, names: list[str], *, version: int) -> None:
        """Answer over HTTP, years after the data's own clock; each is of no trip, and a shadow answers too."""
        at = pa.array([MONDAY + timedelta(days=900)] * 2 * len(names), pa.timestamp("us", tz="UTC"))
        versions = [version] * len(names) + [version + 1] * len(names)
        trip = pa.nulls(2 * len(names), pa.int64())
        table = {"prediction_id": names * 2, "trip": trip, "event_time": at, "model_version": versions}
        self.lake.write(keys.table(NAME, "predictions"), pa.table(table), batch=ONLINE)

    def cut(self) -> dict[str, list[str]]:
        """What is in which window; how many wait is checked."""
        waiting = cutting.cut(self.lake, self.plan, lock=self.lock)
        table = keys.windows_table(NAME)
        if not self.lake.exists(table):
            return {}
        found = {name: self.lake.read(table, batches=[name]) for name in self.lake.batches(table)}
        answers = keys.table(NAME, "predictions")
        batches = [batch for batch in self.lake.batches(answers) if batch != ONLINE]
        answered = self.lake.read(answers, batches=batches).num_rows
        assert waiting == answered - sum(rows.num_rows for rows in found.values())
        return {name: sorted(rows["prediction_id"].to_pylist()) for name, rows in found.items()}


def ids(first: int, count: int) -> list[str]:
    return [f"p{each:04d}" for each in range(first, first + count)]


def spread(first: float, count: int, *, step: float = 0.1) -> list[float]:
    return [first + step * place for place in range(count)]


def test_a_window_of_rows_waits_until_it_is_full_and_may_span_batches(tmp_path: Path) -> None:
    log = Log(tmp_path, "40 rows")
    log.answer("a", 0, spread(0, 30))
    assert log.cut() == {}
    log.answer("b", 30, spread(3, 60))
    assert log.cut() == {"v1_40_rows_000001": ids(0, 40), "v1_40_rows_000002": ids(40, 40)}
    assert log.cut() == {"v1_40_rows_000001": ids(0, 40), "v1_40_rows_000002": ids(40, 40)}
    log.answer("c", 90, spread(1, 30))
    assert log.cut()["v1_40_rows_000003"] == sorted(ids(80, 10) + ids(90, 30))


def test_a_week_is_complete_when_the_data_have_gone_past_it(tmp_path: Path) -> None:
    log = Log(tmp_path, WEEK)
    log.answer("a", 0, spread(0, 60))
    assert log.cut() == {}
    log.answer("b", 60, spread(6, 20))
    week = {"v1_2024-04-01T0000_7d": ids(0, 70)}
    assert log.cut() == week
    log.answer("c", 80, spread(14, 1))
    assert log.cut() == {**week, "v1_2024-04-08T0000_7d": ids(70, 10)}


def test_what_comes_late_for_a_week_that_was_judged_is_in_the_one_that_is_open(tmp_path: Path) -> None:
    log = Log(tmp_path, WEEK)
    log.answer("a", 0, [0.0, 7.0])
    assert log.cut() == {"v1_2024-04-01T0000_7d": ["p0000"]}
    log.answer("late", 2, [1.0, 14.0])
    assert log.cut()["v1_2024-04-08T0000_7d"] == ["p0001", "p0002"]


def test_the_last_window_of_a_version_that_was_replaced_is_closed_short(tmp_path: Path) -> None:
    log = Log(tmp_path, "40 rows")
    log.answer("a", 0, spread(0, 30))
    log.answer("b", 30, spread(3, 50), version=2)
    assert log.cut() == {"v1_40_rows_000001": ids(0, 30), "v2_40_rows_000001": ids(30, 40)}


def test_a_version_that_was_brought_back_waits_for_full_windows_again(tmp_path: Path) -> None:
    log = Log(tmp_path, "40 rows")
    log.answer("a", 0, spread(0, 30))
    log.answer("b", 30, spread(3, 50), version=2)
    log.cut()
    log.answer("c", 80, spread(8, 30))
    assert log.cut().keys() == {"v1_40_rows_000001", "v2_40_rows_000001", "v2_40_rows_000002"}
    log.answer("d", 110, spread(11, 10))
    assert log.cut()["v1_40_rows_000002"] == ids(80, 40)


def test_a_batch_that_is_answered_again_is_in_no_second_window(tmp_path: Path) -> None:
    log = Log(tmp_path, "40 rows")
    log.answer("a", 0, spread(0, 40))
    before = log.cut()
    log.answer("a", 0, spread(0, 41))
    assert log.cut() == before


def test_what_was_judged_as_a_batch_before_windows_were_declared_is_not_judged_again(tmp_path: Path) -> None:
    log = Log(tmp_path, "40 rows")
    log.answer("a", 0, spread(0, 40))
    row = {"window": "a", "window_start": MONDAY, "window_end": MONDAY, "alarm": False}
    record(log.lake, NAME, "drift_report", row)
    log.answer("b", 40, spread(4, 40))
    waiting = cutting.cut(log.lake, log.plan, lock=log.lock)
    assert waiting == 0
    assert log.lake.batches(keys.windows_table(NAME)) == ["v1_40_rows_000001"]
    assert cutting.unjudged(log.lake, log.plan, "drift_report") == ["v1_40_rows_000001"]


@pytest.mark.parametrize("window", ["40 rows", WEEK])
def test_what_was_answered_online_is_in_no_window_and_closes_none(tmp_path: Path, window: str) -> None:
    with_online, without = Log(tmp_path / "with", window), Log(tmp_path / "without", window)
    for log in (with_online, without):
        log.answer("a", 0, spread(0, 75))
    with_online.ask([*ids(60, 5), "online1", "online2"], version=1)
    assert with_online.cut() == without.cut() != {}
    for log in (with_online, without):
        log.answer("b", 75, spread(7.5, 70), version=2)
    assert with_online.cut() == without.cut()


def test_of_a_window_that_was_cut_with_online_answers_in_it_the_others_are_judged(tmp_path: Path) -> None:
    log = Log(tmp_path, "40 rows")
    log.answer("a", 0, spread(0, 30))
    log.ask(["online1"], version=1)
    for name, rows in {"mixed": [("p0001", "a"), ("online1", ONLINE)], "alone": [("online1", ONLINE)]}.items():
        table = pa.table({"prediction_id": [row[0] for row in rows], "answered_in": [row[1] for row in rows]})
        log.lake.write(keys.windows_table(NAME), table, batch=name)
    assert cutting.unjudged(log.lake, log.plan, "drift_report") == ["mixed"]
    assert cutting.batches_of(log.lake, log.plan, "mixed") == ["a"]
    assert cutting.answers(log.lake, LakePredictions(log.lake), log.plan, "mixed")["prediction_id"].to_pylist() == [
        "p0001"
    ]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """April in two batches whose seam is no week's end, then the first batch again, under windows of a week."""
    stores = ServedStores(home=str(tmp_path_factory.mktemp("weeks")))
    plan = trips.plan(monitor={"window": WEEK})
    early, late = split(trips.rows(4_000))
    champion(stores.registry(), early, plan)
    days = [(at - MONDAY).days for at in late["event_time"].to_pylist()]
    parts = {"one": [day < 4 for day in days], "two": [4 <= day < 22 for day in days]}
    results = []
    with dg.DagsterInstance.ephemeral() as instance:
        for batch in ("one", "two", "one"):
            trips.fill(stores.lake(), late.filter(pa.array(parts[batch])), batch=batch)
            results.append(run([*serve.build(plan), *monitor.build(plan)], stores, batch, instance))
    assert all(result.success for result in results)
    return stores, results


def test_each_answer_is_judged_once_in_the_week_it_belongs_to(told: Told) -> None:
    stores, _ = told
    weeks = ["v1_2024-04-01T0000_7d", "v1_2024-04-08T0000_7d", "v1_2024-04-15T0000_7d"]
    for stage in ("drift_report", "performance_report"):
        rows = timeline(stores.lake(), NAME, stage)
        assert [row["window"] for row in rows if row.get("judgement") in (None, 1)] == weeks
        for row in rows:
            assert timedelta(days=6) < row["window_end"] - row["window_start"] < timedelta(days=7)
        assert all(stores.reports().path(keys.key(NAME, stage), week).is_file() for week in weeks)
    cut = stores.lake().read(keys.windows_table(NAME))["prediction_id"].to_pylist()
    assert max(Counter(cut).values()) == 1
    answered = stores.predictions().read(NAME)
    first = [row for row in timeline(stores.lake(), NAME, "drift_report") if row["window"] == weeks[0]]
    assert first[0]["n"] == sum((at - MONDAY).days < 7 for at in answered["event_time"].to_pylist())


def test_a_batch_that_completes_no_week_says_how_many_answers_wait(told: Told) -> None:
    _, results = told
    checks = {check.check_name: check for check in results[0].get_asset_check_evaluations()}
    assert checks["drift"].passed
    assert "answers wait for their window of 7d to be complete" in str(checks["drift"].description)
    made = [event.materialization.asset_key.path[-1] for event in results[1].get_asset_materialization_events()]
    assert made.count("drift_report") == 3
    again = {check.check_name: check for check in results[2].get_asset_check_evaluations()}
    assert "No window is complete" in str(again["drift"].description)
