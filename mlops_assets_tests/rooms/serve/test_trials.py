"""Challengers beside the champion, a guard that rolls back, and who may ask."""

import asyncio
import json
import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from mlops_assets.errors import SpecError
from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.serve import challenger, jobs
from mlops_assets.rooms.serve.compare import LARGEST
from mlops_assets.rooms.serve.failures import DROPPED
from mlops_assets.rooms.serve.guard import Record, broken
from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.shadow import Shadow
from mlops_assets.rooms.train.candidates import base_rate, logistic
from mlops_assets.settings import Settings
from mlops_assets.stores.prediction_log import read
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import trained
from mlops_assets_tests.rooms.serve.running import (
    BATCH,
    MODEL,
    PREDICT,
    ROW,
    ask,
    release,
    service,
    until_answers,
)
from mlops_assets_tests.rooms.serve.served import REGISTRIES, MemoryRegistry, ServedStores
from mlops_assets_tests.rooms.serve.test_swap import until, version


def challenge(home: Path) -> None:
    store = ServingStore(Settings(home).serving)
    digest = bundle.put(store, trained(logistic, 2), trips.plan(), card="")
    store.challenge(MODEL, (digest,))


def records(home: Path) -> list[dict[str, Any]]:
    folder = Settings(home).prediction_log / MODEL
    return [record for path in sorted(folder.glob("*-*.*")) for record in read(path).records]


@pytest.mark.slow
def test_a_shadow_answers_a_share_under_the_champions_ids_and_never_a_caller(tmp_path: Path) -> None:
    release(tmp_path, shadow=0.1)
    challenge(tmp_path)
    with service(tmp_path) as running:
        answer = ask(running.url, BATCH, {"instances": [ROW] * 2_000})
        assert {each["version"] for each in answer.json["predictions"]} == {1}
        until(lambda: sum(record["role"] == "shadow" for record in records(tmp_path)) > 100)
        time.sleep(0.5)
        kept = records(tmp_path)
    shadows = [record for record in kept if record["role"] == "shadow"]
    assert 120 < len(shadows) < 290
    assert {record["v"] for record in shadows} == {2}
    assert {record["id"] for record in shadows} <= {record["id"] for record in kept if record["role"] == "champion"}
    assert all("in" not in record for record in shadows)


@pytest.mark.slow
def test_a_canary_answers_the_same_keys_always_and_about_its_share_of_them(tmp_path: Path) -> None:
    release(tmp_path, canary=0.1)
    challenge(tmp_path)
    with service(tmp_path) as running:
        clients = [f"client-{number}" for number in range(300)]
        first, second = (
            [ask(running.url, PREDICT, {"inputs": ROW, "client": each}).json["version"] for each in clients]
            for _ in range(2)
        )
        without = {ask(running.url, PREDICT, {"inputs": ROW}).json["version"] for _ in range(20)}
    assert first == second
    assert 10 <= first.count(2) <= 60
    assert without == {1}


@pytest.mark.slow
def test_a_release_that_breaks_its_guard_is_rolled_back(tmp_path: Path) -> None:
    guard = {"max_score_shift": 1e-9, "min_requests": 20}
    release(tmp_path, 1)
    with service(tmp_path) as running:
        ask(running.url, BATCH, {"instances": [ROW] * 30})
        release(tmp_path, 2, guard=guard)
        until(lambda: version(running) == 2)
        ask(running.url, BATCH, {"instances": [ROW] * 30})
        until(lambda: version(running) == 1)
        assert 'event="rollback"' in ask(running.url, "/metrics").body.decode()
    live = ServingStore(Settings(tmp_path).serving).live(MODEL)
    assert live is not None
    assert live.evidence.startswith("guard: version 2: the mean score moved")


@pytest.mark.slow
def test_a_worker_that_starts_again_holds_the_release_to_its_guard(tmp_path: Path) -> None:
    release(tmp_path, 1)
    with service(tmp_path) as running:
        ask(running.url, BATCH, {"instances": [ROW] * 30})
        guard = {"max_score_shift": 1e-9, "min_requests": 20}
        release(tmp_path, 2, guard=guard)
        until(lambda: version(running) == 2)
        os.kill(running.workers[0].pid, signal.SIGKILL)
        running.workers[0].wait()
        running.tend()
        until_answers(running)
        assert version(running) == 2
        ask(running.url, BATCH, {"instances": [ROW] * 30})
        until(lambda: version(running) == 1)


@pytest.mark.slow
def test_a_rule_is_champion_and_a_model_answers_some_clients_in_its_place(tmp_path: Path) -> None:
    release(tmp_path, builder=base_rate, canary=0.1)
    challenge(tmp_path)
    with service(tmp_path) as running:
        asked = [{"inputs": ROW, "client": f"client-{number}"} for number in range(100)]
        answers = [ask(running.url, PREDICT, each).json for each in asked]
    by_rule = {each["score"] for each in answers if each["version"] == 1}
    by_model = {each["score"] for each in answers if each["version"] == 2}
    assert (len(by_rule), len(by_model)) == (1, 1)
    assert by_rule != by_model


def test_a_model_that_declares_no_trial_asks_no_registry(tmp_path: Path) -> None:
    stores, nobody = ServedStores(home=str(tmp_path)), cast(Any, SimpleNamespace())
    stores.lineage().append("verdict", MODEL, {"challenger": 2, "decision": "REJECT", "gates": []})
    assert challenger.declared(stores.serving(), nobody, stores.lineage(), stores.lake(), trips.plan()) is None


@pytest.mark.parametrize(("declared", "failed", "tried"), [
    ({"shadow": 0.05}, ("objective", "calibration"), "shadow"),
    ({"canary": 0.05}, ("objective",), "canary"),
    ({"canary": 0.05}, ("objective", "calibration"), ""),
    ({"shadow": 0.05}, (), ""),
    ({}, ("objective",), ""),
])  # fmt: skip
def test_the_pipeline_tries_what_its_verdict_held_back_where_that_is_declared(
    declared: dict[str, Any], failed: tuple[str, ...], tried: str, tmp_path: Path
) -> None:
    release(tmp_path, **declared)
    stores = ServedStores(home=str(tmp_path))
    REGISTRIES[str(tmp_path)] = registry = MemoryRegistry(released=1)
    registry.bundles = {number: trained(logistic, number) for number in (1, 2)}
    gates = [{"name": name, "passed": name not in failed} for name in ("objective", "calibration")]
    stores.lineage().append("verdict", MODEL, {"challenger": 2, "decision": "REJECT", "gates": gates})
    known: Any = registry
    given = (stores.serving(), known, stores.lineage(), stores.lake(), trips.plan(serve=declared))
    found = challenger.declared(*given)
    live = stores.serving().live(MODEL)
    assert live is not None
    assert bool(live.challengers) == bool(found) == bool(tried)
    assert live.mode == tried
    assert challenger.declared(*given) is None, "once a version, so that a person can end it"


@pytest.mark.slow
def test_an_expired_model_answers_no_more_and_says_what_to_do(tmp_path: Path) -> None:
    release(tmp_path)
    store = ServingStore(Settings(tmp_path).serving)
    with service(tmp_path) as running:
        store.stop(MODEL, "2999-01-01T00:00:00+00:00", "version 1 has expired")
        time.sleep(0.4)
        assert ask(running.url, PREDICT, {"inputs": ROW}).status == 200
        store.stop(MODEL, "2024-01-01T00:00:00+00:00", "version 1 has expired")
        until(lambda: ask(running.url, PREDICT, {"inputs": ROW}).status == 503)
        for path, body in ((PREDICT, {"inputs": ROW}), (BATCH, {"instances": [ROW]})):
            answer = ask(running.url, path, body)
            assert (answer.status, answer.json["errors"][0]["problem"]) == (503, "version 1 has expired")
            assert answer.json["next"] == f"release another version: mlops retrain {MODEL}"
        ready = ask(running.url, "/readyz")
        assert (ready.status, ready.json["problems"]) == (503, {MODEL: "version 1 has expired"})
        release(tmp_path, 2)
        until(lambda: ask(running.url, PREDICT, {"inputs": ROW}).status == 200)


@pytest.mark.slow
def test_a_version_is_tried_by_name_and_a_running_service_takes_it_up_and_drops_it(tmp_path: Path) -> None:
    release(tmp_path)
    stores = ServedStores(home=str(tmp_path))
    REGISTRIES[str(tmp_path)] = registry = MemoryRegistry()
    registry.bundles = {number: trained(logistic, number) for number in (1, 2)}
    [job] = jobs.build(trips.plan())
    clients = [f"client-{number}" for number in range(100)]

    def attempt(**said: Any) -> None:
        given = {"ops": {f"{MODEL}_try": {"config": said}}}
        job.execute_in_process(run_config=given, resources={"stores": stores})

    def versions() -> set[int]:
        return {ask(running.url, PREDICT, {"inputs": ROW, "client": each}).json["version"] for each in clients}

    def challengers() -> Any:
        return ask(running.url, f"/v1/models/{MODEL}").json["challengers"]

    with service(tmp_path) as running:
        attempt(version=2, mode="canary", share=0.1)
        until(lambda: challengers() == [{"version": 2, "role": "canary"}])
        assert versions() == {1, 2}
        attempt(version=2)
        until(lambda: challengers() == [{"version": 2, "role": "shadow"}])
        assert versions() == {1}
        live = stores.serving().live(MODEL)
        assert live is not None
        assert live.share == LARGEST, "nothing was asked yet, so as much as may be"
        attempt(stop=True)
        until(lambda: challengers() == [])
    assert [each.body["version"] for each in stores.lineage().records("trial", MODEL)] == [2, 2, None]
    wrongs: tuple[dict[str, Any], ...] = (
        {"version": 1},
        {"version": 2, "share": 0.5},
        {"version": 2, "mode": "mirror"},
    )
    for wrong in wrongs:
        with pytest.raises(SpecError):
            challenger.begin(stores.serving(), cast(Any, registry), stores.lake(), trips.plan(), **wrong)


class Challenger:
    """As much of a version as a shadow needs; it keeps what it was asked."""

    def __init__(self, *names: str) -> None:
        self.model, self.version, self.engine = MODEL, 2, self
        self.questions = SimpleNamespace(names=names)
        self.asked: list[tuple[float, ...]] = []
        self.told: list[bytes] = []

    def scores(self, rows: list[tuple[float, ...]]) -> NDArray[np.float64]:
        self.asked += rows
        return np.zeros((len(rows), 1))

    def record_shadow(self, names: list[bytes], *_: object) -> None:
        self.told += names


def test_a_challenger_gets_its_own_features_in_its_own_order_and_an_unfit_one_none() -> None:
    fit, unfit, meter = Challenger("c", "a"), Challenger("a", "z"), Meter()
    made: Any = [fit, unfit]
    shadow = Shadow(("a", "b", "c"), made, 1.0, meter)
    inputs = msgspec.defstruct("Inputs", [("a", float), ("b", float), ("c", float)])
    shadow.observe([(inputs(number, 10.0, number + 0.5), b"%d" % number, 0.0, None, None, b"") for number in range(20)])
    asyncio.run(shadow.answer())
    assert fit.asked == [(number + 0.5, number) for number in range(20)]
    assert fit.told == [b"%d" % number for number in range(20)]
    assert unfit.asked == []
    assert meter.events[(MODEL, "shadow_unfit")] == 1


def test_a_full_shadow_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlops_assets.rooms.serve.shadow.QUEUE", 3)
    meter, made = Meter(), cast("Any", [Challenger("a")])
    shadow = Shadow(("a",), made, 1.0, meter)
    inputs = msgspec.defstruct("Inputs", [("a", float)])
    shadow.observe([(inputs(1.0), b"1", 0.0, None, None, b"")] * 5)
    assert meter.events[(MODEL, "shadow_dropped")] == 2
    assert meter.failed == {(MODEL, "2", DROPPED): 2}, "for the report"


def test_a_guard_waits_for_enough_and_tells_latency_and_errors_too() -> None:
    guard = {"max_error_rate": 0.01, "max_latency_ratio": 2.0, "max_score_shift": 0.1, "min_requests": 100}
    before = Record(answered=1_000, seconds=1.0, score=500.0, alone=1_000)
    slow = Record(answered=100, seconds=0.3, score=50.0, alone=100)
    assert broken(guard, Record(answered=50, failed=49), before) == ""
    assert "requests failed" in broken(guard, Record(answered=98, failed=2), before)
    assert "3.00 times as long" in broken(guard, slow, before, lambda: 2.5)
    assert broken(guard, slow, before, lambda: 1.0) == "", "slow clients are not the version's fault"
    assert broken(guard, Record(answered=100, seconds=0.3, score=50.0, alone=99), before) == "", "too few alone"
    assert broken(guard, Record(answered=100, seconds=0.1, score=50.0, alone=100), before) == ""


@pytest.mark.slow
def test_a_release_whose_model_is_slow_is_rolled_back_and_one_of_slow_clients_is_not(tmp_path: Path) -> None:
    guard = {"max_latency_ratio": 1.5, "min_requests": 20}
    release(tmp_path, 1)
    store, plan = ServingStore(Settings(tmp_path).serving), trips.plan(serve={"guard": guard})
    with service(tmp_path) as running:

        def asked(pause: float = 0.0) -> None:
            for _ in range(25):
                assert slowly(running.url, pause) == 200

        asked()
        made = replace(bundle.exported(trained(logistic, 2)), model=None)
        store.release(MODEL, bundle.put(store, trained(logistic, 2), plan, card="", made=made), evidence="a verdict")
        until(lambda: version(running) == 2)
        asked()
        until(lambda: version(running) == 1)
        live = store.live(MODEL)
        assert live is not None
        assert "times as long as before" in live.guarded
        asked()
        release(tmp_path, 3, guard=guard)
        until(lambda: version(running) == 3)
        asked(pause=0.02)
        time.sleep(0.5)
        assert version(running) == 3, "its clients were slow, and its model was not"


def slowly(url: str, pause: float) -> int:
    """The status of an answer to a question whose body comes in two parts."""
    found, body = urlsplit(url), json.dumps({"inputs": ROW}).encode()
    head = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((found.hostname, found.port), timeout=30) as connection:
        connection.sendall(head.encode() + body[:9])
        time.sleep(pause)
        connection.sendall(body[9:])
        return int(connection.recv(65_536).split()[1])
