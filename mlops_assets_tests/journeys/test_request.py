"""A real flight is asked about by its schedule: weather, plane and rates are looked up in what the year has left."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from mlops_assets.cli.datasets import house
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.lookup import Lookup
from mlops_assets.settings import Settings
from mlops_assets.stores.prediction_log import read
from mlops_assets_tests.journeys.conftest import Year
from mlops_assets_tests.rooms.serve.running import ask, service

pytestmark = [pytest.mark.slow, pytest.mark.journey]
MODEL = "flight_delays"


@pytest.fixture(scope="module")
def own(year: Year, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that serves what the year has released, so that nothing is logged in the year's own."""
    given, found = Settings(year.home), Settings(tmp_path_factory.mktemp("own"))
    shutil.copytree(given.serving, found.serving)
    found.online.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(given.online, found.online)
    return found


@pytest.fixture(scope="module")
def url(own: Settings) -> Iterator[str]:
    with service(own.home) as running:
        yield running.url


def test_a_schedule_and_a_tail_number_are_enough(year: Year, own: Settings, url: str) -> None:
    stores = Stores(home=str(year.home))
    lake, plan = stores.lake(), house().table("flight_context")
    lookup = Lookup.of(lake, Stores(home=str(own.home)).online(), plan)
    flights = lake.read("flights/clean", batches=["2013-01"]).slice(0, 3).to_pylist()
    asked = [{name: flight[name] for name in (*lookup.needs, "flight_id")} for flight in flights]
    answers = [ask(url, f"/v1/models/{MODEL}:predict", {"key": each}) for each in asked]
    assert [answer.status for answer in answers] == [200] * 3, answers
    records = [
        record for path in (own.prediction_log / MODEL).iterdir() if path.is_file() for record in read(path).records
    ]
    logged = {record["id"]: record for record in records}
    for answer, request, expected in zip(answers, asked, lookup.of_requests(asked), strict=True):
        record = logged[answer.json["id"]]
        assert record["in"] == pytest.approx(expected.values)
        assert record["in"]["late_by_carrier_7d"] is not None  # by the data's clock its last week is not over
        assert record["key"] == {"flight_id": request["flight_id"]}
        assert record["age"] > 0
    assert any(record["in"]["seats"] for record in records)


@pytest.mark.browser
def test_every_released_model_is_tried_on_the_docs_page(url: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{url}/docs")
    models = [model["name"] for model in ask(url, "/v1/models").json["models"]]
    assert MODEL in models
    for model in models:
        form = page.locator(f"[data-path='/v1/models/{model}:predict']")
        form.get_by_role("button", name="Ask").click()
        form.locator("pre", has_text='"explanation"').wait_for()
        assert form.locator("pre").inner_text().startswith("200")
    page.close()
