"""The sensor loses and doubles no request: in a storm, a restart, two daemons, and a run that holds all at once."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.instigation_logger import get_instigation_log_records
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from mlops_assets.cli.loop import Loop
from mlops_assets.cli.tick import evaluate
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate.gate import Gate
from mlops_assets.rooms.evaluate.verdict import Decision, Verdict
from mlops_assets.rooms.monitor import history
from mlops_assets.rooms.retrain import claim as claims
from mlops_assets.rooms.retrain.ledger import REQUEST, Ledger
from mlops_assets.rooms.retrain.outbox import NOTIFICATION
from mlops_assets.rooms.retrain.sensors import build, consider
from mlops_assets.spec.plan import ModelPlan
from mlops_assets.stores.delta import DeltaLake
from mlops_assets_tests.rooms import trips

NAME = "late_trips"
BACKOFF = {"cooldown": "28d", "min_new_labels": 10, "persistence": {"alarms": 1, "windows": 1}, "new_data": 99}
Work = Callable[[], None]


class World:
    """A home with labels, a champion, and a retraining whose result the test chooses."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance, plan: ModelPlan) -> None:
        self.stores = Stores(home=str(folder))
        self.instance, self.plan, self.work = instance, plan, list[Work]()
        self.ledger = Ledger(self.stores.lineage(), NAME)
        self.rows, self.now = trips.rows(2_400, 480), trips.START
        self.pass_time(120)
        self.stores.lineage().append("release", NAME, {"version": 1, "at": self.now.isoformat()})
        self.loop = Loop(instance, self.definitions())

    def definitions(self) -> dg.Definitions:
        @dg.op
        def train() -> None:
            while self.work:
                self.work.pop(0)()

        @dg.job(name=f"{NAME}_retrain", executor_def=dg.in_process_executor)
        def job() -> None:
            train()

        return dg.Definitions(jobs=[job], sensors=build(self.plan), resources={"stores": self.stores})

    def pass_time(self, days: int) -> None:
        """Let so many days of trips arrive."""
        self.now += timedelta(days=days)
        until = int((self.now - trips.START) / timedelta(days=480) * self.rows.num_rows)
        trips.fill(DeltaLake(self.stores.settings().lake), self.rows.slice(0, until))

    def window(self, *, alarm: bool, stage: str = "drift_report", faulty: str = "") -> None:
        """A window that ends now, answered by the champion."""
        row = {"window": f"{self.now:%Y-%m-%d}", "window_start": self.now, "window_end": self.now, "alarm": alarm}
        figures = {"figure_name": "score_ks", "figure": 0.3, "threshold": 0.2, "model_version": self.champion}
        figures |= {"faulty": faulty} if stage == "drift_report" else {}
        history.record(self.stores.lake(), NAME, stage, {**row, **figures})

    @property
    def champion(self) -> int:
        return int(self.stores.lineage().latest("release", NAME).body["version"])  # type: ignore[union-attr]

    def verdict(self, *, accepted: bool) -> None:
        """What the evaluate room would write, and what the release room would make of it."""
        number = len(self.ledger.records("verdict")) + 2
        gate = Gate("objective", accepted, "no better than the champion")
        decision: Decision = "ACCEPT" if accepted else "REJECT"
        Verdict(NAME, decision, (gate,), number, f"d{number}", self.champion, ("", ""), 500).record(
            self.stores.lineage()
        )
        if accepted:
            self.stores.lineage().append("release", NAME, {"version": number, "at": self.now.isoformat()})

    def requests(self) -> list[Any]:
        return self.ledger.records(REQUEST)

    def reason(self) -> str:
        return self.loop.reasons[f"{NAME}_retrain"]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, instance: dg.DagsterInstance) -> World:
    return World(tmp_path, instance, trips.plan(retrain=BACKOFF))


def first(world: World) -> None:
    """Let the first request, which every model begins with, be answered by a better one."""
    world.work.append(lambda: world.verdict(accepted=True))
    world.loop.settle()
    assert [request.body["causes"] for request in world.requests()] == [["new_data"]]


def test_a_storm_asks_rarely_says_why_not_and_calls_a_person(world: World) -> None:
    first(world)
    asked: list[int] = []
    for step in range(7):
        world.pass_time(14)
        world.window(alarm=True)
        world.work[:] = [lambda: world.verdict(accepted=False)]
        world.loop.settle()
        if len(world.requests()) > 1 + len(asked):
            asked.append(step)
    assert asked == [1, 5]
    assert "raised as drift has led to nothing twice" in world.reason()
    told = [record.body for record in world.ledger.records(NOTIFICATION)]
    assert [body["event"] for body in told] == ["refused", "refused"]
    assert "no better than the champion" in told[0]["text"]
    assert "The cooldown is raised: drift 56d, from 28d" in told[0]["text"]
    assert told[0]["links"][0][0].startswith("drift of ")
    asset = world.instance.get_latest_materialization_event(dg.AssetKey([NAME, "retrain_request"]))
    assert asset is not None
    assert asset.asset_materialization is not None
    shown = asset.asset_materialization.metadata
    assert shown["refused"].value == 2
    assert "raised as drift has led to nothing twice" in str(shown["why"].value)


def test_a_daemons_tick_that_decides_logs_its_reason_and_the_pages_it_rests_on(world: World) -> None:
    first(world)
    world.pass_time(30)
    world.window(alarm=True)
    (sensor,) = build(world.plan)
    key = ["ticks", "1"]
    context = dg.SensorEvaluationContext(
        instance_ref=world.instance.get_ref(),
        instance=world.instance,
        cursor=world.loop.cursors[sensor.name],
        repository_def=world.definitions().get_repository_def(),
        sensor_name=sensor.name,
        log_key=key,
    )
    with context.merge_resources({"stores": world.stores}) as resourceful:
        assert sensor.evaluate_tick(resourceful).run_requests
    said = get_instigation_log_records(world.instance, key)
    lines = [record["msg"] for record in said]
    assert lines[0] == "drift: window 2024-05-30: score_ks 0.3000 against a threshold of 0.2000"
    assert lines[1].startswith("drift of 2024-05-30: http")
    assert lines[1].endswith("/late_trips/drift_report/2024-05-30.html")
    assert lines[2].startswith("timeline: http")


def test_a_window_of_broken_data_asks_for_nothing_even_where_its_answers_are_worse(world: World) -> None:
    first(world)
    world.pass_time(30)
    world.window(alarm=False, faulty="distance (range)")
    world.window(alarm=True, stage="performance_report")
    world.loop.settle()
    assert len(world.requests()) == 1
    told = "window 2024-05-30 is broken: distance (range); it is to be mended, not learnt from"
    assert world.reason() == f"fault: {told} (held back: performance, drift)"


def test_an_alarm_recorded_by_the_very_run_that_made_the_model_is_not_swallowed(world: World) -> None:
    first(world)
    world.pass_time(30)
    world.ledger.wish("look")
    world.work[:] = [lambda: world.verdict(accepted=True), lambda: world.window(alarm=True)]
    world.loop.settle()
    assert world.requests()[-1].body["causes"] == ["demand"]
    assert "held back: drift" in world.reason()
    world.pass_time(28)
    world.work[:] = [lambda: world.verdict(accepted=True)]
    world.loop.settle()
    assert world.requests()[-1].body["causes"] == ["drift"]


def test_a_kill_between_ledger_and_run_neither_loses_nor_doubles_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "myself", lambda: f"{socket.gethostname()}:999999999:1")
    lost = consider(world.instance, world.stores, world.plan)
    assert lost.run is not None
    monkeypatch.undo()
    first(world)
    runs = world.instance.get_runs()
    assert [run.tags["mlops/retrain_request"] for run in runs] == [lost.run.tags["mlops/retrain_request"]]


def test_two_daemons_that_tick_at_once_launch_one_run(world: World) -> None:
    (sensor,) = build(world.plan)
    definitions = world.definitions()
    with ThreadPoolExecutor(4) as pool:
        ticks = list(pool.map(lambda _: evaluate(sensor, world.instance, definitions), range(4)))
    assert sum(len(tick.run_requests or []) for tick in ticks) == 1
    assert len(world.requests()) == 1
    assert all(tick.skip_message for tick in ticks if not tick.run_requests)


def test_a_retraining_that_fails_is_said_to_have_failed_and_is_not_tried_for_ever(world: World) -> None:
    def fail() -> None:
        raise ValueError("no disk")

    world.work.append(fail)
    world.loop.settle()
    (request,) = world.requests()
    outcome = world.ledger.outcome(request)
    assert outcome is not None
    assert outcome.body["outcome"] == "failed"
    assert [record.body["event"] for record in world.ledger.records(NOTIFICATION)] == ["failed"]


def test_a_paused_model_keeps_its_demand_until_it_is_resumed(world: World) -> None:
    first(world)
    world.ledger.switch(paused=True, reason="the audit")
    world.ledger.wish("new fleet")
    world.loop.settle()
    assert world.reason() == "paused: the audit (held back: demand)"
    world.ledger.switch(paused=False, reason="over")
    world.work.append(lambda: world.verdict(accepted=True))
    world.loop.settle()
    assert world.requests()[-1].body["causes"] == ["demand"]


def test_a_change_of_the_training_or_of_the_contract_asks_for_a_challenger(world: World, tmp_path: Path) -> None:
    contracts = tmp_path / "data" / "contracts"
    contracts.mkdir(parents=True)
    (contracts / "trips.json").write_text("{}")
    first(world)
    world.pass_time(30)
    (contracts / "trips.json").write_text('{"columns": []}')
    world.plan = trips.plan(retrain=BACKOFF, train={"seed": 7})
    found = consider(world.instance, world.stores, world.plan)
    assert found.run is not None
    assert found.run.tags["mlops/causes"] == "contract,code"


def test_an_expired_champion_is_seen_in_the_tick_and_the_check_and_a_person_is_called(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    expiry = {"after": "60d", "action": "retrain"}
    world = World(tmp_path, instance, trips.plan(retrain=BACKOFF, expiry=expiry))
    first(world)
    world.pass_time(70)
    world.work.append(lambda: world.verdict(accepted=False))
    world.loop.settle()
    assert world.requests()[-1].body["causes"] == ["age"]
    assert "version 2 has expired: released 69 days ago, of 60d allowed; a challenger is asked for" in world.reason()
    events = [record.body["event"] for record in world.ledger.records(NOTIFICATION)]
    assert sorted(events) == ["expired", "refused"]
    key = dg.AssetCheckKey(dg.AssetKey([NAME, "champion"]), "expiry")
    told = instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    failed = [check.status is AssetCheckExecutionRecordStatus.FAILED for check in told]
    assert failed == [True, True, False, False]  # of the refused run the check is skipped: it is told again


@pytest.mark.parametrize("action", ["warn", "stop"])
def test_an_expiry_that_only_warns_or_stops_is_seen_and_asks_for_nothing(
    tmp_path: Path, instance: dg.DagsterInstance, action: str
) -> None:
    world = World(tmp_path, instance, trips.plan(retrain=BACKOFF, expiry={"after": "60d", "action": action}))
    first(world)
    world.pass_time(70)
    world.loop.settle()
    assert len(world.requests()) == 1
    assert "version 2 has expired: released 69 days ago, of 60d allowed" in world.reason()
    assert ("it answers no more" in world.reason()) is (action == "stop")
    key = dg.AssetCheckKey(dg.AssetKey([NAME, "champion"]), "expiry")
    [check] = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
    assert check.status is AssetCheckExecutionRecordStatus.FAILED


def test_rows_without_a_time_are_decided_on_by_the_wall(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    plan, stores = trips.plan(timed=False, retrain=BACKOFF), Stores(home=str(tmp_path))
    rows = trips.rows(timed=False)
    trips.fill(DeltaLake(stores.settings().lake), rows)
    found = consider(instance, stores, plan)
    assert found.run is not None
    asked = Ledger(stores.lineage(), NAME).newest()
    assert asked is not None
    assert datetime.fromisoformat(asked.body["clock"]).year > 2025
