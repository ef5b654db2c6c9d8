"""A real flight is asked about by its schedule: weather, plane and rates are looked up in what the year has left."""

import shutil
from pathlib import Path

import pytest

from mlops_assets.cli.datasets import house
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.lookup import Lookup
from mlops_assets.settings import Settings
from mlops_assets.stores.prediction_log import read
from mlops_assets_tests.journeys.conftest import Year
from mlops_assets_tests.rooms.serve.running import ask, service

pytestmark = [pytest.mark.slow, pytest.mark.journey]
MODEL = "flight_delays"


def test_a_schedule_and_a_tail_number_are_enough(year: Year, tmp_path: Path) -> None:
    given, own = Settings(year.home), Settings(tmp_path)
    shutil.copytree(given.serving, own.serving)
    own.online.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(given.online, own.online)
    stores = Stores(home=str(year.home))
    lake, plan = stores.lake(), house().table("flight_context")
    lookup = Lookup.of(lake, Stores(home=str(tmp_path)).online(), plan)
    flights = lake.read("flights/clean", batches=["2013-01"]).slice(0, 3).to_pylist()
    asked = [{name: flight[name] for name in (*lookup.needs, "flight_id")} for flight in flights]
    with service(tmp_path) as running:
        answers = [ask(running.url, f"/v1/models/{MODEL}:predict", {"key": each}) for each in asked]
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
