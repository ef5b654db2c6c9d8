"""`mlops contract` and `mlops quarantine`: what a person sees, and what they are told when it cannot be done."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from mlops_assets.cli.datasets import one
from mlops_assets.cli.main import main
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.validate import batch, evolution
from mlops_assets.spec.dataset import Quarantine
from mlops_assets_tests.samples import SAMPLES

BROKEN = 4


@pytest.fixture
def landed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Forty rows of January's weather are validated; the fourth has a wind that no storm has."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    rows = pq.read_table(SAMPLES / "weather" / "2013-01.parquet").slice(0, 40)
    place = rows.column_names.index("wind_speed")
    winds = rows.column(place).to_pylist()
    winds[BROKEN - 1] = 1048.3
    stores = Stores()
    stores.lake().write(
        "weather/raw/2013-01", rows.set_column(place, "wind_speed", pa.array(winds, pa.float64())), batch="2013-01"
    )
    plan = one("weather")
    lenient = plan.dataset.model_copy(update={"quarantine": Quarantine(max_share=0.1)})
    batch.validate_batch(stores.lake(), replace(plan, dataset=lenient), "2013-01", home, lineage=stores.lineage())
    return stores


def mlops(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code in (1, 2), result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def test_before_the_first_batch_nothing_is_in_force_and_that_is_said() -> None:
    assert "no contract of weather is in force yet; next: land a first batch" in refused("contract", "show", "weather")
    assert "no contract is in force yet; the declared one will be" in mlops("contract", "diff", "weather")
    assert "nothing of weather is in quarantine" in refused("quarantine", "show", "weather")
    assert "nothing is in quarantine" in mlops("quarantine", "list", "weather")
    assert mlops("gc") == "there is nothing to remove\n"


@pytest.mark.usefixtures("landed")
def test_the_contract_in_force_is_shown_column_by_column() -> None:
    shown = mlops("contract", "show", "weather")
    assert "contract version 1" in shown
    assert "in_range(0, 150)" in shown
    held = json.loads(mlops("contract", "show", "weather", "--json"))
    assert held["contract"]["columns"]["origin"]["type"] == "VARCHAR"
    assert "the declared contract is the one in force" in mlops("contract", "diff", "weather")
    assert json.loads(mlops("contract", "diff", "weather", "--json")) == []


@pytest.mark.parametrize("words", [("contract", "show"), ("contract", "diff"), ("quarantine", "list")])
def test_a_dataset_that_is_not_declared_is_answered_with_the_nearest(words: tuple[str, str]) -> None:
    assert "unknown dataset 'wether'" in (said := refused(*words, "wether"))
    assert "did you mean 'weather'" in said


def test_a_change_is_shown_and_one_that_breaks_a_living_model_ends_with_1(landed: Stores) -> None:
    held = evolution.in_force(landed.lineage(), "weather")
    assert held is not None
    columns = dict(held.contract["columns"])
    columns["temp"] = {**columns["temp"], "type": "BIGINT"}
    before = evolution.InForce(1, "0" * 64, {**held.contract, "columns": columns})
    evolution.adopt(landed.lineage(), "weather", before, [])
    assert "temp" in (shown := mlops("contract", "diff", "weather"))
    assert "BIGINT" in shown
    landed.lineage().append("release", "flight_delays", {"version": 1})
    result = CliRunner().invoke(main, ["contract", "diff", "weather"])
    assert result.exit_code == 1
    assert "would break what a living model reads (flight_delays)" in " ".join(result.output.split())
    assert "contract_version: 2" in result.output


@pytest.mark.usefixtures("landed")
def test_a_quarantined_row_is_listed_and_shown_as_it_arrived() -> None:
    [listed] = json.loads(mlops("quarantine", "list", "weather", "--json"))
    assert listed == {"batch": "2013-01", "reason": "wind_speed:in_range(0, 150)", "rows": 1, "such_as": [BROKEN]}
    [shown] = json.loads(mlops("quarantine", "show", "weather", "--json"))
    assert (shown["_row"], shown["row"]["wind_speed"]) == (BROKEN, 1048.3)
    assert "none of these rows is in quarantine" in mlops("quarantine", "show", "weather", "--rows", "1-3")


RELEASE = ("quarantine", "release", "weather", "--reason", "r", "--no-run", "--rows")


@pytest.mark.usefixtures("landed")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("quarantine", "show", "weather", "--batch", "2013-09"), "allowed: 2013-01"),
        (("quarantine", "show", "weather", "--rows", "x"), "not row numbers: 'x'"),
        ((*RELEASE, "4", "--set", "wind_speed"), "allowed: COLUMN=VALUE"),
        ((*RELEASE, "4", "--set", "wind_sped=3"), "did you mean 'wind_speed'"),
        ((*RELEASE, "5"), "unknown quarantined row of weather 2013-01 '5'; allowed: 4"),
        ((*RELEASE, "4", "--set", "wind_speed=9999"), "nothing was recorded"),
    ],
)
def test_what_cannot_be_done_is_told_with_what_can(words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words)


def test_a_mended_row_is_recorded_once_it_meets_the_contract(landed: Stores) -> None:
    said = mlops(*RELEASE, "4", "--unset", "wind_speed")
    assert "1 rows of weather 2013-01 meet the contract" in said
    [record] = landed.lineage().records("quarantine_release", "weather")
    assert (record.body["rows"], record.body["set"], record.body["reason"]) == ([BROKEN], {"wind_speed": None}, "r")
