"""Releases drop no request, what is damaged is refused, and a kill loses nothing acknowledged."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import pytest

from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.serve import failures
from mlops_assets.rooms.serve.supervisor import Supervisor
from mlops_assets.rooms.train.candidates import logistic
from mlops_assets.settings import Settings
from mlops_assets.stores.prediction_log import read, seal_orphans, segments
from mlops_assets.stores.serving import Live, ServingStore
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import trained
from mlops_assets_tests.rooms.serve.running import (
    BATCH,
    MODEL,
    PREDICT,
    ROW,
    Answer,
    ask,
    release,
    service,
    until_answers,
)

pytestmark = pytest.mark.slow


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to hold")


class Load:
    """Asks without a pause from several threads, and keeps what was answered."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self.answers: list[Answer] = []
        self.lost = 0
        self._end = threading.Event()
        self._url = url
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        until(lambda: len(self.answers) > 50)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._end.is_set():
            try:
                self.answers.append(ask(self._url, PREDICT, {"inputs": ROW}))
            except (OSError, HTTPException):
                self.lost += 1
                time.sleep(0.01)


def version(running: Supervisor) -> int:
    return int(ask(running.url, f"/v1/models/{MODEL}").json["version"])


def test_releases_and_rollbacks_under_load_drop_nothing_and_no_answer_is_half_of_each(tmp_path: Path) -> None:
    digests = {1: release(tmp_path, 1)}
    store = ServingStore(Settings(tmp_path).serving)
    with service(tmp_path) as running, Load(running.url) as load:
        score = {1: ask(running.url, PREDICT, {"inputs": ROW}).json["score"]}
        digests[2] = release(tmp_path, 2)
        until(lambda: version(running) == 2)
        score[2] = ask(running.url, PREDICT, {"inputs": ROW}).json["score"]
        for number in (1, 2, 1):
            store.release(MODEL, digests[number], evidence="rollback")
            until(lambda wanted=number: version(running) == wanted)  # type: ignore[misc]  # bound now, not later
    assert score[1] != score[2]
    assert load.lost == 0
    assert {answer.status for answer in load.answers} == {200}
    assert {answer.json["version"] for answer in load.answers} == {1, 2}
    assert all(answer.json["score"] == score[answer.json["version"]] for answer in load.answers)


def test_a_damaged_or_unsigned_release_is_refused_and_the_old_one_serves_on(tmp_path: Path) -> None:
    release(tmp_path, 1)
    store = ServingStore(Settings(tmp_path).serving)
    with service(tmp_path) as running:
        bad = bundle.put(store, trained(logistic, 2), trips.plan(), card="")
        (store.root / MODEL / "settings.json").write_text("{")  # nor does this end what follows the releases
        model = store.root / MODEL / bad / "model.onnx"
        content = bytearray(model.read_bytes())
        content[100] ^= 1
        model.write_bytes(content)
        store._point(MODEL, Live(bad))
        until(lambda: "problems" in ask(running.url, "/readyz").json)
        assert "model.onnx in a serving bundle" in ask(running.url, "/readyz").json["problems"][MODEL]
        assert version(running) == 1
        forged = {"champion": bad, "challengers": [], "previous": "", "evidence": "x", "signature": "0" * 64}
        store.live_path(MODEL).write_text(json.dumps(forged))
        until(lambda: "not signed" in ask(running.url, "/readyz").json["problems"][MODEL])
        assert ask(running.url, PREDICT, {"inputs": ROW}).status == 200
        assert ask(running.url, "/readyz").status == 200
        metrics = ask(running.url, "/metrics").body.decode()
        assert 'mlops_bundle_healthy{model="late_trips"} 0.0' in metrics
        assert 'mlops_events_total{event="refused_bundle",model="late_trips"}' in metrics
        (store.root / MODEL / "settings.json").unlink()
        release(tmp_path, 1, in_flight=98)
        until(lambda: "problems" not in ask(running.url, "/readyz").json)


def test_before_any_release_it_says_what_to_do_and_a_first_release_is_served(tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    with service(tmp_path) as running:
        answer = ask(running.url, PREDICT, {"inputs": ROW})
        assert (answer.status, "mlops demo" in answer.json["next"]) == (503, True)
        assert ask(running.url, "/readyz").status == 503
        release(tmp_path, 1)
        until(lambda: ask(running.url, "/readyz").status == 200)
        assert ask(running.url, PREDICT, {"inputs": ROW}).status == 200


def test_a_worker_that_is_killed_loses_nothing_acknowledged_and_is_started_again(tmp_path: Path) -> None:
    release(tmp_path, 1)
    folder = Settings(tmp_path).prediction_log / MODEL
    with service(tmp_path) as running:
        with Load(running.url) as load:
            for _ in range(2):
                time.sleep(0.2)
                os.kill(running.workers[0].pid, signal.SIGKILL)
                running.workers[0].wait()
                running.tend()
                until_answers(running)
        acknowledged = {answer.json["id"] for answer in load.answers if answer.status == 200}
    seal_orphans(folder)
    kept = [record["id"] for segment in segments(folder) for record in read(segment.path).records]
    assert len(acknowledged) > 100
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))


def test_a_log_that_cannot_be_written_is_told_and_nothing_is_answered(tmp_path: Path) -> None:
    release(tmp_path, 1)
    log = Settings(tmp_path).prediction_log
    log.mkdir(parents=True)
    (log / MODEL).write_text("a file where the folder should be")
    with service(tmp_path) as running:
        answer = ask(running.url, PREDICT, {"inputs": ROW})
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "log" in answer.json["errors"][0]["problem"]
        assert unready(running)
        (log / MODEL).unlink()
        until(lambda: not unready(running))  # though nothing is asked
        told = [ask(running.url, PREDICT, {"inputs": ROW}) for _ in range(5)]
        [segment], limit = log.glob(f"{MODEL}/*.open"), resource.RLIMIT_FSIZE
        pid, most = running.workers[0].pid, resource.prlimit(running.workers[0].pid, limit)[1]
        resource.prlimit(pid, limit, (segment.stat().st_size + 100, most))  # half a record has room
        full = [ask(running.url, PREDICT, {"inputs": ROW}) for _ in range(5)]
        many = ask(running.url, BATCH, {"instances": [ROW] * 3})
        said = ask(running.url, "/v1/feedback", {"id": "x", "model": MODEL, "label": 1})
        assert unready(running)
        resource.prlimit(pid, limit, (most, most))
        until(lambda: not unready(running))
        told += [ask(running.url, PREDICT, {"inputs": ROW}) for _ in range(5)]
    assert {answer.status for answer in told} == {200}
    assert {answer.status for answer in (*full, many)} == {503}
    assert sum(failures.told(log, MODEL).values()) == 7, "and the report of usage counts them"
    assert said.status == 202, "the feedback has a segment of its own, and that had room"
    assert not list(log.rglob("*.open")), "an orderly end seals"
    kept = [read(segment.path) for segment in segments(log / MODEL)]
    assert [record["id"] for each in kept for record in each.records] == [answer.json["id"] for answer in told]
    assert not any(each.torn or each.damaged for each in kept)


def unready(running: Supervisor) -> bool:
    """Whether the service says that it is not ready, for its log, and what to do."""
    said = ask(running.url, "/readyz")
    told = (said.status, "free the disk" in said.json.get("next", ""), "log" in str(said.json.get("problems")))
    assert told in ((503, True, True), (200, False, False))
    return told[1]


def test_more_than_the_limit_in_flight_are_told_to_come_again(tmp_path: Path) -> None:
    import socket

    release(tmp_path, 1, in_flight=2)
    with service(tmp_path) as running:
        found = running.bound.getsockname()[:2]
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += "Content-Length: 100\r\n\r\n"
        held = [socket.create_connection(found) for _ in range(2)]
        for connection in held:
            connection.sendall(head.encode())
        until(lambda: ask(running.url, PREDICT, {"inputs": ROW}).status == 503)
        assert ask(running.url, PREDICT, {"inputs": ROW}).headers["retry-after"] == "1"
        for connection in held:
            connection.close()
        until(lambda: ask(running.url, PREDICT, {"inputs": ROW}).status == 200)


def test_several_processes_share_the_work_and_the_figures(tmp_path: Path) -> None:
    release(tmp_path, 1)
    with service(tmp_path, workers=2) as running:
        with Load(running.url, threads=8) as load:
            until(lambda: len({answer.json["id"][:16] for answer in load.answers}) == 2)
        assert {answer.status for answer in load.answers} == {200}
        time.sleep(0.5)
        metrics = ask(running.url, "/metrics").body.decode()
        [line] = [line for line in metrics.splitlines() if line.startswith("mlops_requests_total") and '"200"' in line]
        assert float(line.rpartition(" ")[2]) == len(load.answers)


def test_the_process_holds_neither_dagster_nor_mlflow(tmp_path: Path) -> None:
    release(tmp_path, 1)
    code = (
        "import asyncio, sys; from pathlib import Path; from mlops_assets.rooms.serve import worker;"
        "from mlops_assets.rooms.serve.models import Models; from mlops_assets.settings import Settings;"
        f"models = Models(Settings(Path({str(tmp_path)!r}))); asyncio.run(models.refresh());"
        "assert models.lines['late_trips'].champion; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not {"dagster", "mlflow", "sklearn", "pandas", "evidently"} & set(done.stdout.split())
