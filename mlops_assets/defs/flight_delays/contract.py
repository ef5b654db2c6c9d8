"""What flights, weather and planes must be: the ranges of the real year with room for a worse one.

Of 2013, two rows do not pass: a gale of 1,048 mph (weather at EWR, 12 February, 03:00), and a flight to PBI that by its
record arrived at 02:03 on 10 March, a time that no clock showed, as daylight saving began (flight B6 35).
"""

from typing import Annotated

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

Utc = Annotated[pd.DatetimeTZDtype, "us", "UTC"]
AIRPORTS = ["EWR", "JFK", "LGA"]
MOST_MINUTES_EARLY, MOST_MINUTES_LATE = -120, 1440


class Flights(pa.DataFrameModel):
    """A scheduled departure from New York, and, unless it was cancelled or diverted, its arrival."""

    flight_id: Series[str] = pa.Field(str_matches=r"^[0-9A-Z]{2}\d+-[A-Z]{3}-\d{8}T\d{4}$")
    scheduled_departure: Series[Utc] = pa.Field(description="UTC")
    year: Series[int] = pa.Field(ge=1987, description="of the scheduled departure in New York, as all that follow")
    month: Series[int] = pa.Field(in_range={"min_value": 1, "max_value": 12})
    day: Series[int] = pa.Field(in_range={"min_value": 1, "max_value": 31})
    hour: Series[int] = pa.Field(in_range={"min_value": 0, "max_value": 23})
    minute: Series[int] = pa.Field(in_range={"min_value": 0, "max_value": 59})
    sched_dep_time: Series[int] = pa.Field(in_range={"min_value": 0, "max_value": 2359}, description="HHMM, New York")
    sched_arr_time: Series[int] = pa.Field(in_range={"min_value": 0, "max_value": 2400}, description="HHMM, there")
    carrier: Series[str] = pa.Field(str_matches=r"^[0-9A-Z]{2}$")
    flight: Series[int] = pa.Field(in_range={"min_value": 1, "max_value": 9999})
    tailnum: Series[str] = pa.Field(str_matches=r"^[0-9A-Z]{4,6}$", nullable=True)
    origin: Series[str] = pa.Field(isin=AIRPORTS)
    dest: Series[str] = pa.Field(str_matches=r"^[A-Z]{3}$")
    distance: Series[int] = pa.Field(in_range={"min_value": 10, "max_value": 6000}, description="miles")
    dep_time: Series[pd.Int64Dtype] = pa.Field(
        in_range={"min_value": 1, "max_value": 2400}, nullable=True, description="HHMM; null: cancelled"
    )
    dep_delay: Series[pd.Int64Dtype] = pa.Field(
        in_range={"min_value": MOST_MINUTES_EARLY, "max_value": MOST_MINUTES_LATE}, nullable=True, description="minutes"
    )
    arr_time: Series[pd.Int64Dtype] = pa.Field(
        in_range={"min_value": 1, "max_value": 2400}, nullable=True, description="HHMM at the destination"
    )
    arr_delay: Series[pd.Int64Dtype] = pa.Field(
        in_range={"min_value": MOST_MINUTES_EARLY, "max_value": MOST_MINUTES_LATE},
        nullable=True,
        description="minutes; null: cancelled or diverted",
    )
    air_time: Series[pd.Int64Dtype] = pa.Field(
        in_range={"min_value": 10, "max_value": 900}, nullable=True, description="minutes"
    )
    arrived_at: Series[Utc] = pa.Field(nullable=True, description="UTC; null: never arrived where it should")

    @pa.dataframe_check(ignore_na=False)
    @classmethod
    def schedule_agrees(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """The scheduled time is its own hour and minute."""
        return rows["sched_dep_time"] == rows["hour"] * 100 + rows["minute"]

    @pa.dataframe_check(ignore_na=False)
    @classmethod
    def arrival_is_whole(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """A delay on arrival is known exactly where the moment of arrival is."""
        return rows["arr_delay"].isna() == rows["arrived_at"].isna()

    @pa.dataframe_check(ignore_na=False)
    @classmethod
    def lands_after_take_off(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """From gate to gate takes at least as long as the time in the air, and less than a day."""
        since_schedule = (rows["arrived_at"] - rows["scheduled_departure"]).dt.total_seconds() / 60
        minutes = since_schedule - rows["dep_delay"].astype("float64")
        return rows["arrived_at"].isna() | ((minutes >= rows["air_time"].astype("float64")) & (minutes < 24 * 60))


class Weather(pa.DataFrameModel):
    """An hourly observation at an airport of New York."""

    origin: Series[str] = pa.Field(isin=AIRPORTS)
    observed_at: Series[Utc] = pa.Field(description="UTC")
    temp: Series[float] = pa.Field(in_range={"min_value": -40, "max_value": 130}, nullable=True, description="°F")
    dewp: Series[float] = pa.Field(in_range={"min_value": -60, "max_value": 100}, nullable=True, description="°F")
    humid: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 100}, nullable=True, description="%")
    wind_dir: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 360}, nullable=True, description="°")
    wind_speed: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 150}, nullable=True, description="mph")
    wind_gust: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 200}, nullable=True, description="mph")
    precip: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 10}, nullable=True, description="inches")
    pressure: Series[float] = pa.Field(in_range={"min_value": 900, "max_value": 1080}, nullable=True, description="hPa")
    visib: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 10}, nullable=True, description="miles")


class Planes(pa.DataFrameModel):
    """A plane by its tail number."""

    tailnum: Series[str] = pa.Field(str_matches=r"^[0-9A-Z]{4,6}$")
    year: Series[pd.Int64Dtype] = pa.Field(
        in_range={"min_value": 1940, "max_value": 2013}, nullable=True, description="in which it was built"
    )
    type: Series[str]
    manufacturer: Series[str]
    model: Series[str]
    engines: Series[int] = pa.Field(in_range={"min_value": 1, "max_value": 4})
    seats: Series[int] = pa.Field(in_range={"min_value": 1, "max_value": 600})
    speed: Series[pd.Int64Dtype] = pa.Field(
        in_range={"min_value": 50, "max_value": 700}, nullable=True, description="mph, cruising"
    )
    engine: Series[str]
