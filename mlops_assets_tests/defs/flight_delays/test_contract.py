"""The contract: the real year passes but for two rows, and what cannot be is refused by name."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from mlops_assets.defs.flight_delays import contract, source
from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.rooms.validate.split import Split, split
from mlops_assets.spec.dataset import Dataset

flights = cache(source.flights)
MODELS = {"flights": contract.Flights, "weather": contract.Weather, "planes": contract.Planes}


@cache
def dataset(name: str) -> Dataset:
    """As declared."""
    documents = yaml.safe_load_all(Path(contract.__file__).with_name("defs.yaml").read_text())
    found = [document["attributes"] for document in documents if document["type"] == "mlops_assets.Dataset"]
    return next(Dataset(**attributes) for attributes in found if attributes["name"] == name)


def judged(name: str, rows: pa.Table, batch: str) -> Split:
    return split(rows, from_pandera(MODELS[name]), dataset(name), batch)


def test_of_march_one_flight_arrived_when_no_clock_showed_it() -> None:
    march = source._only(flights(), "2013-03")
    found = judged("flights", march, "2013-03")
    assert found.reasons == {"row:arrival_is_whole": 1}
    assert '"B635-JFK-20130309T2145"' in found.quarantine["row"][0].as_py()
    assert found.clean.num_rows == march.num_rows - 1


def test_of_february_one_gale_is_no_weather() -> None:
    found = judged("weather", source._only(source.weather(), "2013-02"), "2013-02")
    assert list(found.reasons.values()) == [1]
    assert "1048.36" in found.quarantine["row"][0].as_py()


def test_of_the_year_nothing_else_is_refused() -> None:
    for month in ("2013-10", "2013-11"):
        for name, rows in (("flights", flights()), ("weather", source.weather())):
            assert judged(name, source._only(rows, month), month).quarantine.num_rows == 0
    assert judged("planes", source.planes(), "planes").quarantine.num_rows == 0


def test_pandera_itself_says_the_same_of_a_month() -> None:
    march = source._only(flights(), "2013-03").to_pandas()
    integers = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
    march[integers] = march[integers].astype("Int64")
    with pytest.raises(Exception, match="arrival_is_whole") as refused:
        contract.Flights.validate(march, lazy=True)
    cases: pd.DataFrame = refused.value.failure_cases  # type: ignore[attr-defined]  # pandera's SchemaErrors
    assert set(cases["index"]) == {march.index[march.arr_delay.notna() & march.arrived_at.isna()][0]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"origin": "ATL"}, "origin:isin"),
        ({"distance": -1}, "distance:in_range"),
        ({"sched_dep_time": 575}, "row:schedule_agrees"),
        ({"minute": 60}, "minute:in_range"),
        ({"carrier": "united"}, "carrier:str_matches"),
        ({"arr_delay": None}, "row:arrival_is_whole"),
        ({"dep_delay": 100_000}, "dep_delay:in_range"),
        ({"flight_id": None}, "flight_id:not_null"),
    ],
)
def test_a_flight_that_cannot_be_is_refused_by_name(change: dict[str, Any], reason: str) -> None:
    assert any(found.startswith(reason) for found in reasons(change))


def test_a_flight_cannot_land_before_its_time_in_the_air_is_over() -> None:
    first = one()
    early = first["scheduled_departure"] + timedelta(minutes=first["dep_delay"] + first["air_time"] - 1)
    assert reasons({"arrived_at": early}) == ["row:lands_after_take_off"]


def test_a_cancelled_flight_is_a_flight() -> None:
    names = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "arrived_at", "tailnum")
    assert reasons(dict.fromkeys(names)) == []


def one() -> dict[str, Any]:
    """A flight that arrived."""
    found: dict[str, Any] = flights().slice(0, 1).to_pylist()[0]
    return found


def reasons(change: dict[str, Any]) -> list[str]:
    rows = pa.Table.from_pylist([{**one(), **change}], schema=flights().schema)
    return list(judged("flights", rows, "2013-01").reasons)
