"""The online store: the newest row of each key, whatever the order in which rows come."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_assets.errors import StoreError
from mlops_assets.stores.online_sqlite import SqliteOnline

START = datetime(2013, 1, 1, tzinfo=UTC)


@pytest.fixture
def online(tmp_path: Path) -> SqliteOnline:
    return SqliteOnline(tmp_path / "made" / "online.db")


def rows(keys: list[Any], hours: Sequence[int | None], values: list[Any]) -> pa.Table:
    times = [None if hour is None else START + timedelta(hours=hour) for hour in hours]
    return pa.table({"id": keys, "at": pa.array(times, pa.timestamp("us", "UTC")), "rate": values})


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    events=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, unique=True), cut=st.integers(0, 20)
)
def test_the_newest_wins_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int]], cut: int
) -> None:
    online = SqliteOnline(tmp_path_factory.mktemp("online") / "o.db")
    random.Random(cut).shuffle(events)  # noqa: S311 - a repeatable shuffle
    for part in (events[:cut], events[cut:]):
        keys, hours = [key for key, _ in part], [hour for _, hour in part]
        online.put("t", ["id"], rows(keys, hours, [float(h) for h in hours]), time_column="at")
    newest = {key: max(hour for other, hour in events if other == key) for key, _ in events}
    for key, hour in newest.items():
        found = online.get("t", [key])
        assert found is not None
        assert (found.values, found.event_time) == ({"rate": float(hour)}, START + timedelta(hours=hour))
    assert online.count("t") == len(newest)


def test_an_older_row_changes_nothing_and_the_same_again_is_kept(online: SqliteOnline) -> None:
    assert online.put("t", ["id"], rows(["a", "b"], [2, 2], [0.2, 0.2]), time_column="at") == 2
    assert online.put("t", ["id"], rows(["a"], [1], [0.1]), time_column="at") == 0
    assert online.put("t", ["id"], rows(["a"], [2], [0.3]), time_column="at") == 1
    found = online.get("t", ["a"])
    assert found is not None
    assert found.values == {"rate": 0.3}


def test_a_row_without_a_time_is_older_than_any_with_one(online: SqliteOnline) -> None:
    online.put("t", ["id"], rows([1], [None], [0.1]), time_column="at")
    timeless = online.get("t", [1])
    assert timeless is not None
    assert timeless.event_time is None
    online.put("t", ["id"], rows([1, 1], [0, None], [0.2, 0.3]), time_column="at")
    timed = online.get("t", [1])
    assert timed is not None
    assert (timed.values["rate"], timed.event_time) == (0.2, START)


def test_tables_and_kinds_of_keys_are_kept_apart(online: SqliteOnline) -> None:
    online.put("t", ["id"], rows([1], [0], [0.1]), time_column="at")
    assert online.get("t", ["1"]) is None
    assert online.get("u", [1]) is None
    assert online.count("u") == 0


def test_values_come_back_as_they_were(online: SqliteOnline) -> None:
    values = {"n": 1, "f": 1.5, "t": "ü", "none": None, "b": True, "at": START, "day": date(2013, 1, 1), "l": [1, 2]}
    data = pa.table({name: [value] for name, value in {"k": 1, "j": "x", "time": START, **values}.items()})
    online.put("t", ["k", "j"], data, time_column="time")
    found = online.get("t", [1, "x"])
    assert found is not None
    assert found.values == values


def test_what_cannot_be_kept_is_refused_whole(online: SqliteOnline) -> None:
    with pytest.raises(StoreError, match="lacks columns"):
        online.put("t", ["nope"], rows([1], [0], [0.1]), time_column="at")
    with pytest.raises(StoreError, match="cannot keep"):
        online.put("t", ["id"], rows([1, 2], [0, 0], [b"x", b"y"]), time_column="at")
    assert online.count("t") == 0
