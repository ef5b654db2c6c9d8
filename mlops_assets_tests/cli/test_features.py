"""`mlops features` on the declared flights: who owns, uses and refreshes what, and what a request gets."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from mlops_assets.cli.datasets import house
from mlops_assets.cli.main import main
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.features.table import materialize
from mlops_assets_tests.samples import SAMPLES

LATE, DELAYED = "late_by_carrier_7d", "plane_built"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The features of a thinned January, and a released model that was trained on them."""
    home = tmp_path_factory.mktemp("features")
    stores = Stores(home=str(home))
    for name, file in (("flights", "2013-01"), ("weather", "2013-01"), ("planes", "planes")):
        rows = pq.read_table(SAMPLES / name / f"{file}.parquet")
        stores.lake().write(f"{name}/clean", rows, batch=file)
    materialize(stores.lake(), house().table("flight_context"), "2013-01")
    inputs = {"flight_context/offline": [stores.lake().version("flight_context/offline"), "f"]}
    stores.lineage().append("snapshot", "flight_delays", {"version": 4, "inputs": inputs})
    stores.lineage().append("release", "flight_delays", {"version": 4})
    return home


def mlops(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["features", *arguments, "--home", str(home)])


def told(home: Path, *arguments: str) -> Any:
    result = mlops(home, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def names(rows: Sequence[dict[str, Any]], column: str = "name") -> set[str]:
    return {row[column] for row in rows}


def test_the_list_says_who_owns_uses_and_refreshes_a_table(home: Path) -> None:
    [entry] = [each for each in told(home, "list") if each["table"] == "flight_context"]
    assert entry["owners"] == ["team:data-science"]
    assert "flight_delays" in entry["used_by"]
    assert entry["released"] == ["flight_delays version 4"]
    assert (entry["refreshed_by"], entry["batch"]) == ("flights_arrival", "2013-01")
    assert "flight_context" in mlops(home, "list").output


def test_a_table_is_shown_with_what_each_feature_means(home: Path) -> None:
    shown = {each["name"]: each for each in told(home, "show", "flight_context")["definitions"]}
    assert shown[LATE]["kind"] == "rate"
    assert (shown[LATE]["by"], shown[LATE]["over"]) == (["carrier"], "7d")
    assert (shown["temp"]["source"], shown["temp"]["ttl"]) == ("weather", "3h")
    assert LATE in mlops(home, "show", "flight_context").output


def test_a_search_finds_by_name_meaning_and_source(home: Path) -> None:
    assert LATE in names(told(home, "search", "arr_delay", "carrier"))
    assert {"temp", "humid"} <= names(told(home, "search", "WEATHER"))
    assert told(home, "search", "nothing like it") == []
    assert "no feature has" in mlops(home, "search", "nothing like it").output


def test_a_request_is_answered_from_the_refreshed_store(home: Path) -> None:
    assert "flight_context/online/flights.carrier" in mlops(home, "refresh", "flight_context").output
    request = {"carrier": "UA", "origin": "EWR", "dest": "IAH", "tailnum": "N14228", "distance": "1400"}
    clock = {"year": "2013", "month": "2", "day": "1", "hour": "6", "minute": "0", "sched_arr_time": "900"}
    columns = [f"{name}={value}" for name, value in (request | clock).items()]
    looked = told(home, "look", "flight_context", *columns, "--now", "2013-02-01T06:00")
    values = {row["feature"]: row for row in looked}
    assert (values["minute_of_day"]["value"], values["minute_of_day"]["age"]) == (360.0, "of the request")
    assert 0 <= values[LATE]["value"] <= 1
    assert values[DELAYED]["age"] == "no time"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "flight_contxt"], "did you mean 'flight_context'?"),
        (["look", "flight_context", "carrier"], "allowed: column=value"),
        (["look", "flight_context", "carrier=UA"], "lack columns"),
        (["look", "flight_context", "hour=six"], "'hour' cannot be read; got: six"),
        (["look", "flight_context", "hour=6", "--now", "noon"], "not a moment; got: noon"),
    ],
)
def test_a_mistake_is_one_line(home: Path, arguments: list[str], said: str) -> None:
    result = mlops(home, *arguments)
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
