"""The compiled statement against a slow, obvious computation on random histories."""

from datetime import UTC, datetime, timedelta
from statistics import stdev
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.rooms.features.compile import compile_features
from mlops_assets.rooms.features.relations import Relations
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import FeatureTable
from mlops_assets.spec.plan import FeaturePlan
from mlops_assets.stores import sql

START = datetime(2013, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIME = pa.timestamp("us", tz="UTC")
Row = dict[str, Any]

FLIGHTS = Dataset.model_validate(
    {
        "name": "flights",
        "source": {"files": "f"},
        "key": ["id"],
        "event_time": "t",
        "outcomes": {"known_at": "k", "columns": ["delay"]},
    }
)
WEATHER = Dataset.model_validate({"name": "weather", "source": {"files": "w"}, "key": ["o", "h"], "event_time": "h"})
PLANES = Dataset.model_validate({"name": "planes", "source": {"files": "p"}, "key": ["tail"]})
TABLE: dict[str, Any] = {
    "name": "context",
    "dataset": "flights",
    "columns": {"far": "dist > 5", "route": "o || tail"},
    "joins": [
        {"dataset": "weather", "on": ["o"], "columns": {"temperature": "degrees * 2"}, "ttl": "3h"},
        {"dataset": "weather", "on": ["o"], "columns": {"last_degrees": "degrees"}},
        {"dataset": "planes", "on": ["tail"], "columns": {"seats": "seats"}},
    ],
    "aggregations": [
        {"name": "late", "of": "delay > 2", "by": ["o"], "over": ["2h", "6h"]},
        {"name": "delay", "of": "delay", "by": ["o", "tail"], "over": ["6h"]},
        {"name": "flown", "stat": "count", "of": "delay", "by": ["o"], "over": ["6h"]},
        {"name": "lost", "stat": "sum", "of": "delay * dist", "by": ["o"], "over": ["2h"]},
        {"name": "share", "stat": "rate", "of": "delay > 2", "by": ["o"], "over": ["6h"]},
        {"name": "least", "stat": "min", "of": "delay", "by": ["o"], "over": ["6h"]},
        {"name": "most", "stat": "max", "of": "delay", "by": ["o"], "over": ["6h"]},
        {"name": "spread", "stat": "std", "of": "delay", "by": ["o"], "over": ["6h"]},
        {"name": "newest", "stat": "last", "of": "delay", "by": ["o"], "over": ["6h"]},
        {"name": "last_tail", "stat": "last", "of": "tail", "by": ["o"], "over": ["6h"]},
        {"name": "since", "stat": "time_since", "of": "delay", "by": ["o"], "over": ["6h"]},
        {"name": "warm", "of": "degrees", "by": ["o"], "over": ["6h"], "dataset": "weather"},
    ],
    "ttl": {"last_degrees": "5h"},
}
SCHEMAS = {
    "flights": pa.schema(
        [
            ("id", pa.int64()),
            ("t", TIME),
            ("o", pa.string()),
            ("tail", pa.string()),
            ("dist", pa.int64()),
            ("delay", pa.float64()),
            ("k", TIME),
            ("_batch", pa.string()),
        ]
    ),
    "weather": pa.schema([("o", pa.string()), ("h", TIME), ("degrees", pa.float64()), ("_batch", pa.string())]),
    "planes": pa.schema([("tail", pa.string()), ("seats", pa.int64()), ("_batch", pa.string())]),
}


def plan_of(**changes: Any) -> FeaturePlan:
    table = FeatureTable.model_validate({**TABLE, **changes})
    return FeaturePlan.of(table, {"flights": FLIGHTS, "weather": WEATHER, "planes": PLANES})


def computed(plan: FeaturePlan, flights: list[Row], weather: list[Row], planes: list[Row]) -> list[Row]:
    rows = {"flights": flights, "weather": weather, "planes": planes}
    with sql.connect() as connection:
        for name, schema in SCHEMAS.items():
            connection.register(name, pa.Table.from_pylist(rows[name], schema=schema))
        joined = tuple(str(join.dataset) for join in plan.table.joins)
        counted = {plan.table.counted(each): plan.table.counted(each) for each in plan.table.aggregations}
        relations = Relations("(select * from flights where _batch = 'b')", counted, joined)
        found: list[Row] = compile_features(connection, plan, relations).compute(connection, relations).to_pylist()
        return found


def newest(rows: list[Row], *, at: datetime | None = None, ttl: timedelta | None = None) -> Row:
    """The row of the latest moment up to `at`, of several the one of the newest batch with the greatest value."""
    known = [row for row in rows if at is None or (row["h"] <= at)]
    order = [(row.get("h", START), row["_batch"], tuple((v is not None, v or 0) for v in values(row))) for row in known]
    if not known:
        return {}
    best = known[order.index(max(order))]
    return {} if at and ttl and at - best["h"] > ttl else best


def values(row: Row) -> list[Any]:
    return [row[name] for name in ("degrees", "seats") if name in row]


def window(flights: list[Row], row: Row, by: list[str], back: int, of: Any) -> list[float]:
    """What was known strictly before the row's moment, and not longer ago than the window."""
    events = known(flights, row, by, back, at="k")
    return [float(of(other)) for other in events if other["delay"] is not None]


def known(rows: list[Row], row: Row, by: list[str], back: int, at: str) -> list[Row]:
    """The rows of the same group that were known in the window."""
    if row["t"] is None or any(row[name] is None for name in by):
        return []
    return [
        other
        for other in rows
        if other[at] is not None
        and row["t"] - back * HOUR <= other[at] < row["t"]
        and all(other[name] == row[name] for name in by)
    ]


def last(events: list[Row], column: str) -> Any:
    """The newest value; of several known at one moment the greatest."""
    given = [(event["k"], event[column]) for event in events if event[column] is not None]
    return max(given)[1] if given else None


def expected(flights: list[Row], weather: list[Row], planes: list[Row], row: Row) -> Row:
    here = [w for w in weather if row["o"] is not None and w["o"] == row["o"] and row["t"] is not None]
    plane = newest([p for p in planes if row["tail"] is not None and p["tail"] == row["tail"]])
    fresh = newest(here, at=row["t"], ttl=3 * HOUR).get("degrees")
    late = {back: window(flights, row, ["o"], back, lambda f: f["delay"] > 2) for back in (2, 6)}
    delays = window(flights, row, ["o", "tail"], 6, lambda f: f["delay"])
    lost = window(flights, row, ["o"], 2, lambda f: f["delay"] * f["dist"])
    six = window(flights, row, ["o"], 6, lambda f: f["delay"])
    events = known(flights, row, ["o"], 6, at="k")
    told = [event["k"] for event in events if event["delay"] is not None]
    degrees = [w["degrees"] for w in known(weather, row, ["o"], 6, at="h") if w["degrees"] is not None]
    return {
        "id": row["id"],
        "event_time": row["t"],
        "far": float(row["dist"] > 5),
        "route": None if row["o"] is None or row["tail"] is None else row["o"] + row["tail"],
        "temperature": None if fresh is None else fresh * 2,
        "last_degrees": newest(here, at=row["t"], ttl=5 * HOUR).get("degrees"),
        "seats": None if plane.get("seats") is None else float(plane["seats"]),
        "late_2h": mean(late[2]),
        "late_6h": mean(late[6]),
        "delay_6h": mean(delays),
        "flown_6h": float(len(late[6])),
        "lost_2h": sum(lost),
        "share_6h": mean(late[6]),
        "least_6h": min(six, default=None),
        "most_6h": max(six, default=None),
        "spread_6h": pytest.approx(stdev(six)) if len(six) > 1 else None,
        "newest_6h": last(events, "delay"),
        "last_tail_6h": last(events, "tail"),
        "since_6h": (row["t"] - max(told)).total_seconds() if told else None,
        "warm_6h": mean(degrees),
    }


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


hours = st.integers(0, 14).map(lambda n: START + n * HOUR)
places, tails = st.sampled_from(["JFK", "EWR", None]), st.sampled_from(["N1", "N2", None])
flight_rows = st.lists(
    st.fixed_dictionaries(
        {
            "t": hours | st.none(),
            "o": places,
            "tail": tails,
            "dist": st.integers(0, 10),
            "delay": st.integers(-4, 8).map(float) | st.none(),
            "k": hours | st.none(),
            "_batch": st.sampled_from("abc"),
        }
    ),
    max_size=12,
)
weather_rows = st.lists(
    st.fixed_dictionaries(
        {
            "o": places,
            "h": hours,
            "degrees": st.integers(0, 9).map(float) | st.none(),
            "_batch": st.sampled_from("ab"),
        }
    ),
    max_size=8,
)
plane_rows = st.lists(
    st.fixed_dictionaries({"tail": tails, "seats": st.integers(0, 9) | st.none(), "_batch": st.sampled_from("ab")}),
    max_size=4,
)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(flight_rows, weather_rows, plane_rows)
def test_features_equal_a_slow_and_obvious_computation(
    flights: list[Row], weather: list[Row], planes: list[Row]
) -> None:
    flights = [{"id": number, **row} for number, row in enumerate(flights)]
    found = sorted(computed(plan_of(), flights, weather, planes), key=lambda row: row["id"])
    wanted = [expected(flights, weather, planes, row) for row in flights if row["_batch"] == "b"]
    assert found == wanted


def flight(**changes: Any) -> Row:
    given = {"id": 1, "t": START, "o": "JFK", "tail": "N1", "dist": 9, "delay": 5.0, "k": START, "_batch": "b"}
    return {**given, **changes}


def test_an_outcome_known_at_the_event_time_is_not_known_yet() -> None:
    [row] = computed(plan_of(), [flight(k=START)], [], [])
    assert (row["late_6h"], row["flown_6h"], row["lost_2h"]) == (None, 0.0, 0.0)


def test_an_outcome_known_a_microsecond_earlier_counts_and_one_before_the_window_does_not() -> None:
    moment = timedelta(microseconds=1)
    events = [flight(id=2, k=START - moment, _batch="a"), flight(id=3, k=START - 6 * HOUR - moment, _batch="a")]
    [row] = computed(plan_of(), [flight(k=None), *events], [], [])
    assert row["flown_6h"] == 1.0
    [row] = computed(plan_of(), [flight(k=None), flight(id=3, k=START - 6 * HOUR, _batch="a")], [], [])
    assert row["flown_6h"] == 1.0


def test_columns_come_in_the_order_of_the_declaration_and_with_one_type_for_all_batches() -> None:
    plan = plan_of()
    [row] = computed(plan, [flight()], [], [])
    assert list(row) == ["id", "event_time", *plan.table.feature_names()]
    assert row["far"] == 1.0
    assert row["seats"] is None


@pytest.mark.parametrize("expression", ["delay", "DELAY + 1", "k < t", "_batch"])
def test_a_column_that_names_an_outcome_is_refused_with_the_columns_allowed(expression: str) -> None:
    with pytest.raises(SpecError, match=r"feature 'early' of 'context'.*allowed: SQL over id, t, o, tail, dist"):
        computed(plan_of(columns={"early": expression}), [flight()], [], [])


def test_the_refusal_says_that_the_column_is_not_known_yet() -> None:
    with pytest.raises(SpecError, match="names delay, not known at the event time"):
        computed(plan_of(columns={"early": "abs(delay)"}), [flight()], [], [])


@pytest.mark.parametrize("expression", ["dist), (1", "dist) from flights --", "sum(dist)", "dist +", "nothing(dist)"])
def test_what_is_no_single_expression_of_a_row_is_refused(expression: str) -> None:
    with pytest.raises(SpecError, match="feature 'odd' of 'context'"):
        computed(plan_of(columns={"odd": expression}), [flight()], [], [])


@pytest.mark.parametrize("expression", ["lead(dist) over (order by t)", "(select max(delay) from flights)"])
def test_what_sees_other_rows_is_refused(expression: str) -> None:
    with pytest.raises(SpecError, match=r"sees other rows.*allowed: SQL over one row"):
        computed(plan_of(columns={"odd": expression}), [flight()], [], [])


def test_a_link_that_one_side_lacks_is_answered_with_the_near_name() -> None:
    joins = [{"dataset": "planes", "on": ["tial"], "columns": {"seats": "seats"}}]
    with pytest.raises(UnknownName, match=r"join of 'planes' in 'context'.*did you mean 'tail'"):
        computed(plan_of(joins=joins, ttl={}), [flight()], [], [])


def test_a_group_that_is_an_outcome_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown column 'delay'"):
        computed(plan_of(aggregations=[{"name": "n", "of": "1", "by": ["delay"], "over": ["2h"]}]), [flight()], [], [])


def test_a_mean_of_text_is_refused() -> None:
    with pytest.raises(SpecError, match="no mean of text"):
        computed(plan_of(aggregations=[{"name": "n", "of": "tail", "by": ["o"], "over": ["2h"]}]), [flight()], [], [])


def test_rows_that_are_known_at_no_moment_are_not_counted() -> None:
    table = {"name": "n", "of": "seats", "by": ["tail"], "over": ["2h"], "dataset": "planes"}
    with pytest.raises(SpecError, match="rows of 'planes' are not known at a moment"):
        computed(plan_of(aggregations=[table]), [flight()], [], [])


@pytest.mark.parametrize(("stat", "of", "said"), [("rate", "delay", "what holds or not"), ("std", "tail", "no std of")])
def test_a_statistic_of_what_it_cannot_be_of_is_refused(stat: str, of: str, said: str) -> None:
    table = {"name": "n", "stat": stat, "of": of, "by": ["o"], "over": ["2h"]}
    with pytest.raises(SpecError, match=said):
        computed(plan_of(aggregations=[table]), [flight()], [], [])


def test_a_ttl_on_a_dataset_without_event_time_is_refused() -> None:
    joins = [{"dataset": "planes", "on": ["tail"], "columns": {"seats": "seats"}, "ttl": "1h"}]
    with pytest.raises(SpecError, match="a ttl needs the age of a row"):
        computed(plan_of(joins=joins, ttl={}), [flight()], [], [])


def test_a_value_that_fails_names_the_feature_table() -> None:
    with pytest.raises(SpecError, match="feature table 'context' cannot be computed"):
        computed(plan_of(columns={"odd": "o::integer"}), [flight()], [], [])
