"""No row is lost: each is clean, in quarantine with every reason, or merged with its double."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.contract import BatchBreach, Column, Contract, Rule
from mlops_assets.rooms.validate.split import HELD, hold, split
from mlops_assets.spec.dataset import Dataset, Period
from mlops_assets.spec.source import Source

FLIGHTS = Dataset(
    name="flights",
    source=Source(files="*.csv"),
    key=("id",),
    event_time="at",
    period=Period(every="month", timezone="America/New_York"),
)
CONTRACT = Contract(
    (
        Column("id", "BIGINT"),
        Column("at", "TIMESTAMPTZ"),
        Column("distance", "DOUBLE", rules=(Rule("in_range(1, 6000)", '"distance" between 1 and 6000'),)),
    )
)
NOON = "2013-01-15 12:00"


def table(*rows: tuple[Any, ...]) -> pa.Table:
    """Rows of id, at and distance, as text."""
    texts = [[None if row[n] is None else str(row[n]) for row in rows] for n in range(3)]
    return pa.table([pa.array(column, pa.string()) for column in texts], names=["id", "at", "distance"])


def reasons(*rows: tuple[Any, ...], **given: Any) -> dict[int, list[str]]:
    found = split(table(*rows), CONTRACT, FLIGHTS, "2013-01", **given)
    return {row["_row"]: row["reasons"] for row in found.quarantine.to_pylist()}


def test_every_row_carries_every_reason_and_itself() -> None:
    found = split(table((1, NOON, 500), (None, "2013-03-01", -5)), CONTRACT, FLIGHTS, "2013-01")
    (row,) = found.quarantine.to_pylist()
    assert row["reasons"] == ["id:not_null", "distance:in_range(1, 6000)", "at:outside_batch"]
    assert json.loads(row["row"]) == {"id": None, "at": "2013-03-01", "distance": "-5"}
    assert row["_row"] == 2
    assert found.examples["id:not_null"] == (2,)
    assert found.clean.num_rows == 1


def test_an_identical_double_is_merged_and_a_differing_one_is_refused_with_its_twin() -> None:
    found = split(table((1, NOON, 500), (1, NOON, "500.0"), (2, NOON, 1), (2, NOON, 2)), CONTRACT, FLIGHTS, "2013-01")
    assert found.clean.column("id").to_pylist() == [1]
    assert found.merged == 1
    assert found.reasons == {"key:conflict": 2}


def test_a_bad_row_is_not_merged_with_its_double() -> None:
    found = split(table((1, NOON, -1), (1, NOON, -1)), CONTRACT, FLIGHTS, "2013-01")
    assert (found.clean.num_rows, found.quarantine.num_rows, found.merged) == (0, 2, 0)


def test_without_a_key_identical_rows_are_all_kept() -> None:
    dataset = Dataset(name="wine", source=Source(files="*.csv"))
    found = split(pa.table({"x": ["1", "1"]}), Contract((Column("x", "BIGINT"),)), dataset, "one")
    assert (found.clean.num_rows, found.merged) == (2, 0)


def test_a_row_belongs_to_the_month_on_the_clock_of_its_period() -> None:
    inside = [(1, "2013-01-01 05:00", 1), (2, "2013-02-01 04:59:59", 1)]
    outside = [(3, "2013-01-01 04:59:59", 1), (4, "2013-02-01 05:00", 1)]
    assert reasons(*inside, *outside) == {3: ["at:outside_batch"], 4: ["at:outside_batch"]}


@pytest.mark.parametrize("name", ["january", "2013", "2013-1", "2013-13", "2013-011"])
def test_a_batch_that_is_not_named_by_its_period_is_stopped(name: str) -> None:
    with pytest.raises(BatchBreach, match="doesn't begin with a month") as breach:
        split(table((1, NOON, 1)), CONTRACT, FLIGHTS, name)
    assert breach.value.reason == "batch:name"


def test_a_key_of_another_batch_is_refused_and_one_of_the_same_batch_is_not() -> None:
    others = "(select 1::bigint as id, '2012-12' as _batch union all select 2, '2013-01')"
    assert reasons((1, NOON, 1), (2, NOON, 1), others=others) == {1: ["key:in_batch(2012-12)"]}


def test_a_missing_column_stops_the_batch_and_is_named() -> None:
    with pytest.raises(BatchBreach, match=r"missing column distance; got: id, at; allowed: all of id") as breach:
        split(table((1, NOON, 1)).drop_columns(["distance"]), CONTRACT, FLIGHTS, "2013-01")
    assert breach.value.reason == "batch:missing_column(distance)"


def test_a_rule_that_is_no_sql_is_an_error_of_the_contract() -> None:
    broken = Contract((Column("x", "BIGINT", rules=(Rule("odd", "x in ("),)),))
    with pytest.raises(ContractError, match="the contract can't be judged"):
        split(pa.table({"x": ["1"]}), broken, Dataset(name="x", source=Source(files="*")), "one")


def test_a_batch_that_is_held_accounts_for_every_row() -> None:
    raw = table((1, NOON, 500), (1, NOON, 500), (2, NOON, -1))
    held = hold(raw, judged=split(raw, CONTRACT, FLIGHTS, "2013-01"))
    assert held.quarantine.column("reasons").to_pylist() == [[HELD], [HELD], ["distance:in_range(1, 6000)"]]
    assert (held.clean.num_rows, held.merged) == (0, 0)
    assert held.reasons == {"distance:in_range(1, 6000)": 1, HELD: 2}


def test_names_and_values_are_never_sql() -> None:
    name = """x"'); drop table arrived; --"""
    contract = Contract((Column(name, "VARCHAR", nullable=False),))
    dataset = Dataset(name="odd", source=Source(files="*"), key=(name,))
    values = ["'; drop table judged; --", "\x00", "😀", None]
    found = split(pa.table({name: values}), contract, dataset, "it's")
    assert sorted(found.clean.column(name).to_pylist()) == sorted(value for value in values if value is not None)


@pytest.mark.parametrize("special", [float("nan"), float("inf"), float("-inf")])
def test_what_json_lacks_is_text_in_quarantine(special: float) -> None:
    contract = Contract((Column("x", "DOUBLE", nullable=False),))
    found = split(pa.table({"x": [special]}), contract, Dataset(name="x", source=Source(files="*")), "one")
    (row,) = found.quarantine.column("row").to_pylist()
    assert json.loads(row)["x"] == str(special)


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["1", "2", "3", "1.0", NOON, "2013-02-15", "nan", "inf", "-1", "", "1e400", "9" * 40]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
ROWS = st.lists(st.tuples(TEXTS, st.one_of(st.just(NOON), TEXTS), st.one_of(st.just("5"), TEXTS)), max_size=25)


@given(rows=ROWS, seed=st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_rows_in_are_clean_quarantined_or_merged_in_any_order(rows: list[tuple[Any, ...]], seed: Any) -> None:
    found = split(table(*rows), CONTRACT, FLIGHTS, "2013-01")
    assert len(rows) == found.clean.num_rows + found.quarantine.num_rows + found.merged
    assert all(found.quarantine.column("reasons").to_pylist())
    assert len(set(found.clean.column("id").to_pylist())) == found.clean.num_rows
    shuffled = list(rows)
    seed.shuffle(shuffled)
    again = split(table(*shuffled), CONTRACT, FLIGHTS, "2013-01")
    assert again.clean.sort_by("id").equals(found.clean.sort_by("id"))
    assert again.reasons == found.reasons
