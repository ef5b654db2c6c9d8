"""A real year of flights goes round the whole loop, and its story is one that a domain expert would believe."""

import json
from pathlib import Path

import pytest

from mlops_assets_tests.journeys.conftest import Year, mlops

pytestmark = pytest.mark.journey

FLIGHTS = 336_776


def test_every_flight_is_accounted_for(year: Year) -> None:
    assert len(year.months) == 12
    assert sum(month["rows_in"] for month in year.months) == FLIGHTS
    for month in year.months:
        assert month["rows_in"] == month["clean"] + month["quarantined"] + month["merged"], month["month"]


def test_no_way_was_stopped(year: Year) -> None:
    assert [month["failed"] for month in year.months] == [None] * 12


def test_the_first_model_comes_from_the_first_three_months(year: Year) -> None:
    firsts = [month["month"] for month in year.months if month["verdict"] == "FIRST_MODEL"]
    assert firsts in (["2013-03"], ["2013-04"])
    before = [month for month in year.months if month["month"] < firsts[0]]
    assert all(month["champion"] is None and month["auc"] is None for month in before)


def test_the_champion_scores_every_later_month_better_than_chance(year: Year) -> None:
    scored = [month["auc"] for month in year.months if month["auc"] is not None]
    assert len(scored) >= 8
    assert all(0.55 < auc < 0.9 for auc in scored)


def test_drift_or_performance_asks_for_a_challenger(year: Year) -> None:
    causes = {cause for month in year.months for cause in month["causes"]}
    assert causes & {"drift", "performance"}


def test_the_fault_of_december_is_named_and_asks_for_nothing(year: Year) -> None:
    december = year.months[-1]
    assert "temp (nulls)" in december["drift_faulty"]
    assert december["drift_alarm"] is False
    assert all(month["drift_faulty"] is None for month in year.months[:-1])


def test_a_challenger_is_refused(year: Year) -> None:
    assert any(month["verdict"] == "REJECT" for month in year.months)


def test_a_challenger_is_accepted_with_an_interval_clear_of_zero(year: Year) -> None:
    accepted = [month for month in year.months if month["verdict"] == "ACCEPT"]
    assert accepted
    assert all(month["interval"][0] > 0 for month in accepted)


def test_the_champion_changes_only_by_verdict(year: Year) -> None:
    champion = None
    for month in year.months:
        if month["verdict"] in ("ACCEPT", "FIRST_MODEL"):
            assert month["champion"] != champion
        else:
            assert month["champion"] == champion
        champion = month["champion"]


def test_a_second_replay_of_the_same_home_computes_nothing(year: Year, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    mlops("demo", "--headless", "--home", str(year.home), "--json", str(again))
    story = json.loads(again.read_text())
    assert story["materialized"] == 0
    unchanging = [{k: v for k, v in month.items() if k != "seconds"} for month in year.months]
    assert [{k: v for k, v in month.items() if k != "seconds"} for month in story["months"]] == unchanging


def test_status_tells_the_end_of_the_year(year: Year) -> None:
    told = json.loads(mlops("status", "--home", str(year.home), "--json"))
    flights = next(d for d in told["datasets"] if d["dataset"] == "flights")
    model = next(m for m in told["models"] if m["model"] == "flight_delays")
    assert flights["batches"] == 12
    assert flights["clean"] + flights["quarantined"] == FLIGHTS
    assert model["champion"] == year.months[-1]["champion"]
    assert "temp (nulls)" in model["fault"]
