"""Whatever arrives under whatever names: a clear error or quarantine, and no row is lost."""

import json
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.contract import BatchBreach, Column, Contract, Rule
from mlops_assets.rooms.validate.infer import infer, seen
from mlops_assets.rooms.validate.split import Split, hold, split
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.repair import Merge, Trim
from mlops_assets.spec.source import Source

OURS = ["why", "reasons", "conflict", "id", "n", "row", "place", "reason", "found", "arrived", "judged", "kept"]
"""What our own SQL calls its things: columns of a user may be called the same."""
NASTY = [
    *OURS,
    *("before", "after", "_row", "batch", "select", "*", " ", "", "ID", "Row", "it's", 'a "b" c', "x" * 3_000),
    *("x'); drop table breaches; --", '"; drop view judged; --', "a.b", "$1", "?", "{x}", "é", "😀", "a\nb", "\x00"),
]
NAMES = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
CELLS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(date(1, 1, 1)),
    pa.timestamp("us", "UTC"): st.integers(-(2**62), 2**62),
    pa.timestamp("s"): st.integers(-(2**40), 2**40),
    pa.decimal128(38, 4): st.decimals(-(10**30), 10**30, places=4),
    pa.binary(): st.binary(max_size=5),
    pa.list_(pa.int64()): st.lists(st.integers(0, 3), max_size=2),
    pa.string(): st.one_of(
        st.sampled_from(
            ["1", "-0", "1.5", "nan", "-inf", "1e400", "9" * 60, "0001-01-01", "99999-12-31", "2013-02-30"]
        ),
        st.sampled_from(["", " ", "true", "NULL", "'; drop table arrived; --", '"', "\\", "\x00", "x" * 5_000]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A batch of any columns, also doubled ones and none."""
    names = draw(st.lists(NAMES, max_size=4))
    rows = draw(st.integers(0, 5))
    columns = []
    for _ in names:
        kind = draw(st.sampled_from(list(CELLS)))
        cells = draw(st.lists(st.one_of(st.none(), CELLS[kind]), min_size=rows, max_size=rows))
        columns.append(pa.array(cells, kind))
    return pa.Table.from_arrays(columns, names=names)


def dataset(**declared: Any) -> Dataset:
    return Dataset(name="odd", source=Source(files="*"), **declared)


def judged(raw: pa.Table, found: Dataset, contract: Contract | None = None) -> Split:
    """What validation does with a batch: split it, or hold it as a whole where it can't be judged."""
    try:
        contract = contract or infer(raw, found)
        seen(raw, infer(raw, found))
        return split(raw, contract, found, "one")
    except BatchBreach as breach:
        return hold(raw, breach.reason)


def clear(error: ContractError, raw: pa.Table) -> None:
    """Only names that no table could have refuse a batch as a whole, before a row is looked at."""
    lowered = [name.lower() for name in raw.column_names]
    doubled = len(set(lowered)) < len(lowered)
    unusable = not all(lowered) or any("\0" in name for name in lowered)
    assert doubled or unusable or not lowered, error
    assert ("has a name that is" in str(error)) or not lowered, error


def conserved(found: Split, raw: pa.Table) -> None:
    assert found.rows_in == raw.num_rows == found.clean.num_rows + found.quarantine.num_rows + found.merged
    held = found.quarantine.to_pylist()
    assert all(row["reasons"] for row in held)
    for row in held:
        pairs = json.loads(row["row"], object_pairs_hook=list)
        assert [name for name, _ in pairs] == raw.column_names, "as it arrived"


@given(raw=tables(), keyed=st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_batch_is_inferred_and_judged_or_told_what_is_wrong(raw: pa.Table, keyed: bool) -> None:
    key = tuple(name for name in raw.column_names[:1] if 0 < len(name) <= 200) if keyed else ()
    try:
        found = judged(raw, dataset(key=key))
    except ContractError as error:
        clear(error, raw)
    else:
        conserved(found, raw)


@given(raw=tables())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_batch_meets_a_contract_of_another_shape(raw: pa.Table) -> None:
    kinds = ("BIGINT", "VARCHAR", "DATE", "TIMESTAMPTZ", "DOUBLE", "BOOLEAN", "TINYINT")
    names = {name.lower(): name for name in raw.column_names}
    columns = [Column(name, kinds[place % len(kinds)], required=False) for place, name in enumerate(names.values())]
    contract = Contract((*columns, Column("own", "BIGINT", required=False)) if "own" not in names else tuple(columns))
    try:
        found = judged(raw, dataset(), contract)
    except ContractError as error:
        clear(error, raw)
    else:
        conserved(found, raw)


@pytest.mark.parametrize("keep", [None, "newest"])
def test_columns_may_be_called_as_our_own_sql_calls_its_things(keep: str | None) -> None:
    names = ["id", *[name for name in [*OURS, "before", "after"] if name != "id"]]
    raw = pa.table({name: ["1", "1", "1", "2", "x"] for name in names}).set_column(
        1, "why", [["1", "2", "1", "5", "6"]]
    )
    rules = (Rule("small", '"row" < 5'),)
    columns = [Column(name, "BIGINT", rules=rules if name == "row" else ()) for name in names]
    contract = Contract(tuple(columns), unique=(("why", "reasons"),))
    merge = {"repairs": (Merge(kind="merge", keep="newest", by="why"),)} if keep else {}
    found = split(raw, contract, dataset(key=("id",), **merge), "one")
    conserved(found, raw)
    assert found.quarantine.to_pylist()[-1]["reasons"][0] == "id:type"
    assert json.loads(found.quarantine.to_pylist()[-1]["row"])["reasons"] == "x"
    assert found.reasons["row:type"] == 1
    assert (found.merged, found.reasons.get("key:conflict")) == ((2, None) if keep else (0, 3))


@pytest.mark.parametrize("names", [["x", "x"], ["x", "X"], ["", ""], ["a", "b", "A"]])
def test_a_doubled_name_stops_the_batch_and_is_named(names: list[str]) -> None:
    raw = pa.Table.from_arrays([pa.array(["1", "2"])] * len(names), names=names)
    with pytest.raises(BatchBreach, match="doubled"):
        infer(raw, dataset())
    with pytest.raises(BatchBreach, match="doubled"):
        split(raw, Contract((Column(names[0], "BIGINT"),)), dataset(), "one")


@pytest.mark.slow
def test_ten_thousand_columns_are_judged_in_groups_and_no_reason_is_lost() -> None:
    wide(10_000)


@pytest.mark.parametrize("columns", [20, 600])
def test_repairs_of_many_columns_are_recorded_cell_by_cell(columns: int) -> None:
    found = wide(columns, Trim(kind="trim"))
    assert len(found.repaired) == found.repairs.num_rows == columns - 2
    assert found.repairs.to_pylist()[0] == {
        "_row": 2,
        "column_name": "c0",
        "repair": "trim",
        "before": " 2 ",
        "after": "2",
    }


def wide(columns: int, *repairs: Trim) -> Split:
    """Three rows, of which the first has no number in `c7` and the second breaks two rules of the last column."""
    names, last = [f"c{place}" for place in range(columns)], f"c{columns - 1}"
    cells = {name: ["1.5", " 2 ", None] for name in names} | {"c7": ["x", "1", "1"], last: ["1", "-1", "1"]}
    raw = pa.table({"id": [1, 2, 3], **cells})
    rules = (Rule("positive", f"{last} > 0"), Rule("above_c7", f"{last} >= coalesce(c7, 0)"))
    numbers = [Column(name, "DOUBLE", rules=rules if name == last else ()) for name in names]
    contract = Contract((Column("id", "BIGINT"), *numbers))
    found = split(raw, contract, dataset(key=("id",), repairs=repairs), "one")
    conserved(found, raw)
    assert found.clean.column_names == ["id", *names]
    assert found.clean.column("c5").to_pylist() == [None]
    told = {row["_row"]: row["reasons"] for row in found.quarantine.to_pylist()}
    assert told == {1: ["c7:type"], 2: [f"{last}:positive", f"{last}:above_c7"]}
    return found
