"""`mlops serve`, `stress` and `trial` on a home with a released version: what they do, and what they refuse."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser

from mlops_assets.cli.main import main
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.release import bundle
from mlops_assets.rooms.serve import challenger, stress
from mlops_assets.rooms.serve.load import Level
from mlops_assets.rooms.train.candidates import logistic
from mlops_assets.settings import Settings
from mlops_assets.stores.registry import Bundle
from mlops_assets.stores.serving import ServingStore
from mlops_assets_tests.journeys.test_browser import free_port
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.release.bundles import trained
from mlops_assets_tests.rooms.serve.running import ROW, ask

MODEL = "flight_delays"
CODE = "from mlops_assets.cli.main import main; main()"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which two versions have a bundle and the first one is served, under the name of a declared model."""
    found = tmp_path_factory.mktemp("serving")
    store = ServingStore(Settings(found).serving)
    digests = [put(store, trained(builder, number)) for number, builder in ((1, logistic), (2, logistic))]
    store.release(MODEL, digests[0], evidence="a test")
    return found


@pytest.fixture
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLOPS_HOME", "DAGSTER_HOME"):
        monkeypatch.setenv(name, str(home))


def put(store: ServingStore, found: Bundle) -> str:
    known = store.load("late_trips", bundle.put(store, found, trips.plan(), card=""))
    return store.put(MODEL, {**known.manifest, "name": MODEL}, known.files)


def mlops(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--home", str(home)])


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The command as a user runs it, and where it says that it listens."""
    command = [sys.executable, "-c", CODE, "serve", "--home", str(home), "--port", "0", "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        with process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None
            yield found[0], process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_serve_says_where_answers_and_ends_by_a_signal(served: tuple[str, "subprocess.Popen[str]"]) -> None:
    url, process = served
    assert ask(url, f"/v1/models/{MODEL}:predict", {"inputs": ROW}, timeout=60).json["version"] == 1
    assert ask(url, "/docs").status == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    with pytest.raises(OSError):  # noqa: PT011 - refused, or reset
        ask(url, "/healthz")


def test_serve_refuses_an_open_door_and_a_home_that_is_none(home: Path, tmp_path: Path) -> None:
    refused = mlops(home, "serve", "--host", "0.0.0.0")  # noqa: S104 - which is refused
    assert refused.exit_code == 1
    assert "a service that others can reach asks for tokens" in refused.output
    nowhere = mlops(tmp_path / "nowhere", "serve")
    assert (nowhere.exit_code, "no such home" in nowhere.output) == (1, True)
    assert mlops(home, "serve", "--issue", "anybody").exit_code == 2


def test_a_token_is_shown_once_and_kept_as_a_hash(tmp_path: Path) -> None:
    token = mlops(tmp_path, "serve", "--issue", "predict").output.strip()
    kept = (Settings(tmp_path).serving / ".tokens").read_text()
    assert len(token) > 40
    assert token not in kept
    assert kept.startswith("predict ")


@pytest.mark.usefixtures("environment")
def test_stress_tells_the_knee_and_sets_the_limits(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(store: ServingStore, model: str, digest: str) -> stress.Stress:
        return swept(store, model, digest, levels=(1,), seconds=0.2)

    swept = stress.stress
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(stress, "stress", quick)
    said = mlops(home, "stress", MODEL)
    assert said.exit_code == 0, said.output
    assert "bends at 1 connections" in said.output
    assert "set: workers 1, batch 16, in flight 16" in said.output
    assert ServingStore(Settings(home).serving).settings(MODEL)["in_flight"] == 16
    told = Stores(home=str(home)).lineage().latest("stress", MODEL)
    assert told is not None
    assert (told.body["version"], told.body["throughput"] > 0) == (1, True)


@pytest.mark.usefixtures("environment")
def test_stress_of_what_was_never_released_is_refused(home: Path) -> None:
    said = mlops(home, "stress", "flight_delay")
    assert said.exit_code == 1
    assert "did you mean 'flight_delays'" in said.output


@pytest.mark.usefixtures("environment")
def test_a_trial_is_begun_and_ended_and_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ServingStore(Settings(home).serving)

    def known(*given: Any) -> str:
        assert given[-1] == 2
        return put(store, trained(logistic, 2))

    monkeypatch.setattr(challenger, "bundled", known)
    said = mlops(home, "trial", MODEL, "--version", "2", "--mode", "canary", "--share", "0.05")
    assert said.exit_code == 0, said.output
    assert f"{MODEL}: version 2 is tried as canary, 5.00% of the questions" in said.output
    assert f"{MODEL}: only the champion answers" in mlops(home, "trial", MODEL, "--stop").output
    live = store.live(MODEL)
    assert live is not None
    assert live.challengers == ()


@pytest.mark.usefixtures("environment")
def test_a_trial_that_cannot_be_is_refused_in_a_line(home: Path) -> None:
    assert "say which: --version N, or --stop" in mlops(home, "trial", MODEL).output
    for words, why in (
        (("--version", "1"), "version 1 of model 'flight_delays' is the champion"),
        (("--version", "2", "--share", "0.5"), "the share of a trial is out of bounds"),
    ):
        said = mlops(home, "trial", MODEL, *words)
        assert said.exit_code == 1
        assert why in said.output
        assert "Traceback" not in said.output


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.usefixtures("environment")
def test_up_serves_predictions_on_loopback_beside_dagster_and_their_page_answers(
    home: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    class Running:
        """Where Dagster's own UI would run, until a person ends it."""

        url = "http://127.0.0.1:0"

        def wait(self) -> None:
            told["answer"] = ask(address, f"/v1/models/{MODEL}:predict", {"inputs": ROW}, timeout=60)
            told["ready"] = ask(address, "/readyz")
            page = browser.new_page()
            page.goto(f"{address}/docs")
            page.get_by_role("button", name="Ask").click()
            page.locator("pre", has_text='"explanation"').wait_for()
            told["page"] = page.locator("pre").inner_text()
            page.close()

    @contextmanager
    def stack(*_: object) -> Iterator[Running]:
        yield Running()

    ports = [free_port() for _ in range(2)]
    address = f"http://127.0.0.1:{ports[0]}"
    monkeypatch.setattr("mlops_assets.cli.stack.stack", stack)
    said = mlops(home, "up", "--serve-port", str(ports[0]), "--ingest-port", str(ports[1]))
    assert said.exit_code == 0, said.output
    assert f"Predictions:  {address}/docs" in said.output
    assert told["answer"].json["version"] == 1
    assert told["page"].startswith("200")
    assert told["ready"].json["models"][MODEL]["version"] == 1
    with pytest.raises(OSError):  # noqa: PT011 - refused: the service ended with the command
        ask(address, "/healthz")


def test_the_figures_of_a_sweep_are_json(home: Path) -> None:
    found = stress.concluded([Level(1, 4, 500.0, 1.0, 2.0, 0)]).figures()
    assert json.loads(json.dumps(found))["knee_connections"] == 4
