"""The source: the real year, a month at a time, with arrivals on the clocks of their destinations."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest

from mlops_assets.defs.flight_delays import source
from mlops_assets.errors import LandingError
from mlops_assets_tests import samples

flights = cache(source.flights)


def test_a_month_lands_with_its_flights_last(tmp_path: Path) -> None:
    files = source.extract("2013-02", tmp_path)
    assert [str(file.relative_to(tmp_path)) for file in files] == [
        "planes/planes.parquet",
        "weather/2013-02.parquet",
        "flights/2013-02.parquet",
    ]
    assert [pq.read_metadata(file).num_rows for file in files] == [3322, 2010, 24951]
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_landed_already_is_not_touched_and_what_is_gone_comes_back_byte_for_byte(tmp_path: Path) -> None:
    files = source.extract("2013-02", tmp_path)
    stamps, content = [file.stat().st_mtime_ns for file in files], files[-1].read_bytes()
    files[-1].unlink()
    source.extract("2013-02", tmp_path)
    assert [file.stat().st_mtime_ns for file in files[:-1]] == stamps[:-1]
    assert files[-1].read_bytes() == content


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    file = source.extract("2013-02", tmp_path)[1]
    good = file.read_bytes()
    file.write_bytes(good[:100])
    source.extract("2013-02", tmp_path)
    assert file.read_bytes() == good


def test_a_month_that_the_source_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="2014-01; allowed: 2013-01 to 2013-12"):
        source.extract("2014-01", tmp_path)


def test_every_flight_of_the_year_has_an_identity_of_its_own() -> None:
    ids = flights()["flight_id"]
    assert len(ids) == len(ids.unique()) == 336_776


@pytest.mark.parametrize(
    ("flight_id", "arrived_at"),
    [
        ("UA1545-EWR-20130101T0515", datetime(2013, 1, 1, 14, 30, tzinfo=UTC)),  # Houston, 08:30 Central
        ("HA51-JFK-20130101T0900", datetime(2013, 1, 2, 1, 16, tzinfo=UTC)),  # Honolulu, 15:16, ten hours behind
    ],
)
def test_an_arrival_is_told_by_the_clock_of_its_destination(flight_id: str, arrived_at: datetime) -> None:
    assert _arrivals()[flight_id] == arrived_at


def test_arrivals_agree_with_a_slow_walk_along_the_clock() -> None:
    zones = {row["faa"]: row["tzone"] for row in source._read("airports.csv").to_pylist()}
    odd = "arr_time < dep_time or (month = 3 and day in (9, 10)) or (month = 11 and day in (2, 3))"
    for flight in _sampled(f"arr_delay is not null and ({odd})", 60) + _sampled("arr_delay is not null", 60):
        departed = flight["scheduled_departure"] + timedelta(minutes=flight["dep_delay"])
        zone = ZoneInfo(zones.get(flight["dest"], "America/Puerto_Rico"))
        assert flight["arrived_at"] == _walk(departed, flight["arr_time"], zone), flight


def test_arrivals_agree_with_the_time_in_the_air_for_the_whole_year() -> None:
    minutes = "date_diff('minute', scheduled_departure, arrived_at) - dep_delay - air_time"
    query = f"select min({minutes}), median({minutes}), max({minutes}), quantile_cont({minutes}, 0.999) from flights"
    least, middle, most, rare = _query(query)[0]
    assert (least, middle, most) == (5, 28, 235)
    assert rare < 140


def test_a_flight_that_did_not_arrive_has_no_arrival_and_one_arrived_when_no_clock_showed_it() -> None:
    unseen = _query("select flight_id from flights where arrived_at is null and arr_delay is not null")
    assert unseen == [("B635-JFK-20130309T2145",)]
    assert _query("select count(*) from flights where arrived_at is not null and arr_delay is null") == [(0,)]


def test_the_sample_is_the_source_thinned(tmp_path: Path) -> None:
    for file in samples.land(tmp_path, ["2013-03"]):
        whole = next(f for f in source.extract("2013-03", tmp_path / "whole") if f.parent.name == file.parent.name)
        expected = pq.read_table(whole)
        assert pq.read_table(file).equals(samples.thinned(expected) if file.parent.name == "flights" else expected)


def test_the_sample_is_small_and_has_every_month() -> None:
    files = list(samples.SAMPLES.rglob("*.parquet"))
    assert len(files) == 2 * len(samples.MONTHS) + 1
    assert sum(file.stat().st_size for file in files) < 1_500_000


def _walk(departed: datetime, arr_time: int, zone: ZoneInfo) -> datetime | None:
    """Minute by minute after the departure, until the clock shows the time."""
    shown = (arr_time // 100 % 24, arr_time % 100)
    for minute in range(1, 24 * 60):
        moment = departed + timedelta(minutes=minute)
        clock = moment.astimezone(zone)
        if (clock.hour, clock.minute) == shown:
            return moment
    return None


@cache
def _arrivals() -> dict[str, datetime]:
    rows = _query("select flight_id, arrived_at from flights where month = 1 and day = 1")
    return {flight_id: arrived_at and arrived_at.astimezone(UTC) for flight_id, arrived_at in rows}


def _sampled(where: str, count: int) -> list[dict[str, Any]]:
    """Flights spread evenly over those that meet a condition, in an order that has nothing to do with time."""
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.register("flights", flights())
        query = f"select * from flights where {where} order by md5(flight_id) limit {count}"
        return db.execute(query).to_arrow_table().to_pylist()  # type: ignore[no-any-return]  # pyarrow is untyped


def _query(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.register("flights", flights())
        return db.execute(query).fetchall()
