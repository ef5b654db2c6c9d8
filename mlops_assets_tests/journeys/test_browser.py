"""What a person sees: the asset graph in Dagster's UI, and a report of each kind."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page

from mlops_assets import keys
from mlops_assets.cli.stack import stack
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.monitor.history import timeline
from mlops_assets.settings import Settings
from mlops_assets_tests.journeys.conftest import Year

pytestmark = [pytest.mark.journey, pytest.mark.browser]

REPORTS = [
    keys.key("flights", "eda_report"),
    keys.key("flight_delays", "evaluation"),
    keys.key("flight_delays", "champion"),
    keys.key("flight_delays", "drift_report"),
    keys.key("flight_delays", "performance_report"),
]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def settings(year: Year) -> Settings:
    reports, mlflow, evidently = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    return Settings(home=year.home, reports_url=reports, mlflow_url=mlflow, evidently_url=evidently)


@pytest.fixture(scope="module")
def ui(year: Year, settings: Settings) -> Iterator[str]:
    """The whole stack over the replayed year; its sensors run, and find nothing to do."""
    before = dict(os.environ)
    os.environ.update(year.environment())
    try:
        with stack(settings, free_port()) as running:
            yield running.url
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    yield context.new_page()
    context.close()


def graphql(url: str, query: str) -> dict[str, Any]:
    body = json.dumps({"query": query}).encode()
    request = Request(f"{url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        found: dict[str, Any] = json.load(answer)["data"]
        return found


def fetched(url: str) -> Any:
    with urlopen(url, timeout=60) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def test_the_location_loads_with_every_asset_and_running_sensors(ui: str) -> None:
    data = graphql(
        ui,
        "{ assetNodes { assetKey { path } description owners { ... on TeamAssetOwner { team } } kinds } "
        "repositoriesOrError { ... on RepositoryConnection { nodes { sensors { name sensorState { status } } } } } }",
    )
    nodes = {tuple(node["assetKey"]["path"]): node for node in data["assetNodes"]}
    expected = {keys.key("flight_delays", stage) for stage in keys.MODEL_STAGES}
    assert expected <= nodes.keys()
    for key, node in nodes.items():
        assert node["description"], key
        assert node["owners"], key
        assert node["kinds"], key
    sensors = data["repositoriesOrError"]["nodes"][0]["sensors"]
    arrivals = {f"{dataset}_arrivals" for dataset in ("flights", "weather", "planes")}
    assert {s["name"] for s in sensors} >= {*arrivals, "flight_delays_retrain"}
    assert {s["sensorState"]["status"] for s in sensors} == {"RUNNING"}


def test_the_graph_shows_in_the_browser(ui: str, page: Page, tmp_path: Path) -> None:
    page.goto(f"{ui}/locations/mlops_assets.definitions/asset-groups/flight_delays", wait_until="networkidle")
    for name in ("training_set", "verdict", "champion", "drift_report"):
        page.get_by_text(name, exact=True).first.wait_for(timeout=60_000)
    page.screenshot(path=tmp_path / "graph.png")


@pytest.mark.parametrize("key", REPORTS, ids=lambda key: key[1])
def test_a_report_opens_and_loads_nothing_from_elsewhere(
    key: keys.Key, ui: str, settings: Settings, page: Page, tmp_path: Path
) -> None:
    assert ui
    files = sorted(settings.reports.joinpath(*key).glob("*.html"))
    assert files, f"no report of {key}"
    elsewhere, errors = [], []
    base = settings.reports_url
    page.on("request", lambda r: elsewhere.append(r.url) if not r.url.startswith((base, "data:", "blob:")) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{base}/{'/'.join(key)}/{files[-1].name}", wait_until="load")
    assert len(page.inner_text("body")) > 200
    assert elsewhere == []
    assert errors == []
    page.screenshot(path=tmp_path / f"{key[1]}.png", full_page=True)


def test_mlflows_ui_shows_the_run_that_made_the_champion_and_leads_back_to_dagster(
    ui: str, page: Page, settings: Settings
) -> None:
    registry = Stores(home=str(settings.home)).registry()
    champion = registry.champion("flight_delays")
    assert champion is not None
    experiment = registry.experiment("flight_delays")
    page.goto(f"{settings.mlflow_url}/#/experiments/{experiment}/runs/{champion.run_id}")
    page.get_by_text(champion.run_id).first.wait_for()
    page.get_by_text("Made by Dagster's run").first.wait_for()


def test_evidentlys_ui_lists_every_window_and_draws_our_figures_over_time(
    ui: str, page: Page, settings: Settings
) -> None:
    assert ui
    url = settings.evidently_url
    windows = {
        row["window"] for row in timeline(Stores(home=str(settings.home)).lake(), "flight_delays", "drift_report")
    }
    projects = {project["name"]: project["id"] for project in fetched(f"{url}/api/projects")}
    project = projects["flight_delays"]
    listed = fetched(f"{url}/api/projects/{project}/snapshots")
    assert {snapshot["name"] for snapshot in listed} == windows
    elsewhere: list[str] = []
    page.on("request", lambda r: elsewhere.append(r.url) if not r.url.startswith((url, "data:", "blob:")) else None)
    page.goto(f"{url}/projects/{project}")
    page.get_by_text("Figures over their thresholds").first.wait_for()
    page.get_by_text("figure over threshold: score").first.wait_for()
    page.goto(f"{url}/projects/{project}/reports/{listed[0]['id']}")
    page.get_by_text("mean score").first.wait_for()
    assert elsewhere == []
