"""Segments enter the lake exactly once: killed between commit and rename, replayed, with a gap, out of order."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.serve import failures, ingest
from mlops_assets.rooms.serve.outcomes import labelled, outcomes
from mlops_assets.rooms.serve.reports import usage_page
from mlops_assets.rooms.serve.sensors import look
from mlops_assets.rooms.serve.trial import trials
from mlops_assets.rooms.serve.usage import picture, totals, usage
from mlops_assets.rooms.train.candidates import hist_gradient_boosting
from mlops_assets.stores import prediction_log
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.prediction_log import LogWriter
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import trained
from mlops_assets_tests.rooms.serve.running import MODEL, ROW, release

PLAN = trips.plan()


class Home:
    """A home with a released model, and a log to write."""

    def __init__(self, folder: Path) -> None:
        self.stores = Stores(home=str(folder))
        self.folder = self.stores.settings().prediction_log / MODEL
        release(folder)
        self.lake = DeltaLake(self.stores.settings().lake)
        trips.fill(self.lake, trips.rows(200))

    def record(self, number: int, **more: Any) -> bytes:
        told = {"id": f"p{number:04d}", "t": 1_700_000_000_000_000 + number, "v": 1, "role": "champion", "us": 300}
        return json.dumps({**told, "score": 0.25, "answer": False, "in": ROW, **more}).encode()

    def take(self) -> ingest.Ingested:
        return ingest.predictions(self.lake, self.stores.serving(), PLAN, self.stores.settings().prediction_log)

    def ids(self) -> list[str]:
        rows = self.lake.read(f"{MODEL}/predictions", batches=["online"])
        return sorted(rows["prediction_id"].to_pylist())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def write(home: Home, *counts: int) -> list[str]:
    """Segments of that many records each, of one writer; all ids."""
    log, number = LogWriter(home.folder), 0
    for count in counts:
        log.write([home.record(number + place) for place in range(count)])
        number += count
        log.seal()
    log.sync()
    return [f"p{place:04d}" for place in range(number)]


def test_what_was_logged_is_in_the_lake_once_with_its_key_version_and_inputs(home: Home) -> None:
    ids = write(home, 3, 2)
    log = LogWriter(home.folder)
    log.write([home.record(100, key={"trip": 7}, age=12.5)])
    log.seal()
    assert home.take().rows == 6
    assert home.take() == ingest.Ingested()
    assert home.ids() == sorted([*ids, "p0100"])
    rows = home.lake.read(f"{MODEL}/predictions", batches=["online"]).to_pylist()
    [keyed] = [row for row in rows if row["prediction_id"] == "p0100"]
    assert (keyed["trip"], keyed["feature_age_s"], keyed["model_version"]) == (7, 12.5, 1)
    assert json.loads(keyed["inputs"]) == ROW


def test_a_kill_between_the_commit_and_the_rename_doubles_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = write(home, 2, 2)

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ingest, "take", killed)
    with pytest.raises(KeyboardInterrupt):
        home.take()
    monkeypatch.setattr(ingest, "take", prediction_log.take)
    assert home.ids() == ids
    assert home.take() == ingest.Ingested(segments=2)
    assert home.ids() == ids


def test_a_gap_holds_the_later_segments_back_until_it_is_filled(home: Home) -> None:
    ids = write(home, 2, 2, 2)
    middle = sorted(home.folder.glob("*.log"))[1]
    away = middle.rename(middle.with_suffix(".away"))
    found = home.take()
    assert (found.rows, len(found.waiting)) == (2, 1)
    assert home.ids() == ids[:2]
    away.rename(middle)
    assert home.take().rows == 4
    assert home.ids() == ids


def test_the_first_segment_alone_is_progress_though_its_number_is_zero(home: Home) -> None:
    ids = write(home, 2)
    [path] = home.folder.glob("*.log")
    home.take()
    (home.folder / "taken" / path.name).rename(path)
    assert home.take() == ingest.Ingested(segments=1)
    assert home.ids() == ids


def test_batches_scored_in_dagster_and_online_answers_share_the_table(home: Home) -> None:
    write(home, 2)
    home.take()
    kinds = {"prediction_id": "x", "trip": 1, "score": 0.5, "answer": True, "model_version": 1, "baseline": 0.1}
    rows = pa.table({name: [value] for name, value in kinds.items()})
    first = home.stores.predictions().record(MODEL, rows, batch="2024-04")
    assert home.stores.predictions().record(MODEL, rows, batch="2024-04").number == first.number
    assert home.stores.predictions().read(MODEL, batches=["2024-04"])["prediction_id"].to_pylist() == ["x"]
    assert len(home.ids()) == 2


def tell(home: Home, *told: tuple[str, Any, str, float]) -> None:
    log = LogWriter(home.stores.settings().prediction_log / "_feedback" / MODEL)
    for name, label, kind, at in told:
        log.write([json.dumps({"id": name, "label": label, "kind": kind, "at": at, "told": at, "who": ""}).encode()])
    log.seal()


def test_feedback_counts_once_late_or_twice_and_a_correction_counts_more(home: Home) -> None:
    write(home, 4)
    tell(home, ("p0000", 0, "outcome", 1.0), ("p0000", 0, "outcome", 2.0), ("p0001", 1, "correction", 3.0))
    tell(home, ("p0001", 0, "outcome", 4.0), ("p0002", True, "outcome", 5.0), ("p0002", None, "outcome", 6.0))
    result = look(home.stores, PLAN)
    assert {event.asset_key.path[-1] for event in result.asset_events} == {"predictions", "feedback"}
    assert result.run_requests
    again = look(home.stores, PLAN, float(result.cursor or 0))
    assert again.skip_reason == dg.SkipReason("nothing new was served")
    told = outcomes(home.lake, MODEL)
    assert told is not None
    assert dict(zip(told["prediction_id"].to_pylist(), told["label"].to_pylist(), strict=True)) == {
        "p0000": "0",
        "p0001": "1",
    }
    joined = labelled(home.lake, MODEL)
    assert dict(zip(joined["prediction_id"].to_pylist(), joined["outcome"].to_pylist(), strict=True)) == {
        "p0000": 0.0,
        "p0001": 1.0,
    }


def test_what_was_told_becomes_a_label_of_the_row_that_was_predicted(home: Home) -> None:
    from mlops_assets.rooms.label.told import with_told

    log = LogWriter(home.folder)
    log.write([home.record(place, key={"trip": place}) for place in range(4)])
    log.seal()
    labels = home.lake.read(f"{MODEL}/labels").slice(0, 4)
    statuses = pa.array(["labelled", "labelled", "no_outcome", "cancelled"])
    labels = labels.set_column(labels.column_names.index("status"), "status", statuses)
    unchanged = labels["label"].to_pylist()
    assert with_told(home.lake, PLAN, labels).equals(labels)
    told = [(f"p{place:04d}", 1 - unchanged[place], "outcome", 9.0) for place in range(4)]
    tell(home, *told, ("p0001", 1 - unchanged[1], "correction", 8.0))
    look(home.stores, PLAN)
    found = with_told(home.lake, PLAN, labels).sort_by("trip")
    assert found["label"].to_pylist() == [unchanged[0], 1 - unchanged[1], 1 - unchanged[2], unchanged[3]]
    assert found["status"].to_pylist() == ["labelled", "labelled", "labelled", "cancelled"]


def test_a_replay_of_the_log_compares_a_challenger_that_never_ran_and_a_live_shadow_comes_first(home: Home) -> None:
    write(home, 50)
    tell(home, *((f"p{place:04d}", place % 2, "outcome", 1.0) for place in range(40)))
    look(home.stores, PLAN)
    store = home.stores.serving()
    assert trials(home.lake, store, MODEL) == []
    digest = bundle.put(store, trained(hist_gradient_boosting, 2), PLAN, card="")
    store.challenge(MODEL, (digest,))
    [trial] = trials(home.lake, store, MODEL)
    assert (trial.champion, trial.challenger, trial.how) == (1, 2, "log replay")
    assert trial.found is not None
    assert (trial.found.rows, trial.found.labelled) == (50, 40)
    assert trial.found.latency_ratio is not None
    assert trial.found.low is not None
    assert trial.found.flips == (50, 0)

    shadow = {"v": 2, "role": "shadow", "score": 0.75, "answer": True}
    log = LogWriter(home.folder)
    log.write([home.record(place, **shadow) for place in (*range(30), 7, 7)])
    log.seal()
    look(home.stores, PLAN)
    [trial] = trials(home.lake, store, MODEL)
    assert (trial.how, trial.found and trial.found.rows) == ("live shadow", 30)
    assert trial.found is not None
    assert (trial.found.shift, trial.found.flips, trial.found.labelled) == (0.5, (30, 0), 30)
    assert trial.found.latency_ratio is not None


def test_usage_is_told_a_day_a_version_and_a_role(home: Home) -> None:
    assert usage(home.lake, MODEL) == []
    write(home, 5)
    tell(home, ("p0000", 1, "outcome", 1.0))
    look(home.stores, PLAN)
    [day] = usage(home.lake, MODEL)
    assert (day["requests"], day["model_version"], day["role"], day["labelled"]) == (5, 1, "champion", 1)
    assert day["p99_ms"] == pytest.approx(0.3)
    assert day["squared_error"] == pytest.approx(0.75**2)
    assert day["answers"] == "false 100.0%"
    log, kept = home.stores.settings().prediction_log, LogWriter(home.folder.parent / failures.FOLDER / MODEL)
    kept.write([failures.record("1", 422, 3), failures.record("1", 503, 2), failures.record("2", 500, 1)])
    kept.write([failures.record("3", failures.DROPPED, 4)])
    kept.seal()
    rows = failures.beside(usage(home.lake, MODEL), log, MODEL)
    told = [(row["model_version"], row["requests"], row["refused"], row["failed"]) for row in rows]
    assert told == [(1, 5, 0, 0), (1, 0, 3, 2), (2, 0, 0, 1)], "of 2023, and of today"
    assert failures.dropped(log, MODEL) == {3: 4}, "which the report of challengers tells"
    assert totals(rows)["failed"] == 3
    page = usage_page(MODEL, rows, picture(rows))
    assert page.count("<tr>") == 4
    assert "data:image/png" in page
