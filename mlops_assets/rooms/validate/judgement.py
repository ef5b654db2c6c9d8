"""The one SQL pass: each row is cast to the contract's types, and gets every reason for which it fails by itself."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Union

from mlops_assets.rooms.validate import memory, wide
from mlops_assets.rooms.validate.casting import FLOATS, INFINITE, cast, present
from mlops_assets.rooms.validate.contract import BatchBreach, Column, Contract
from mlops_assets.rooms.validate.periods import bounds
from mlops_assets.rooms.validate.repairing import ID, kinds
from mlops_assets.spec.dataset import Dataset, Period
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH, RESERVED, reserved

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

OTHERS: Final = 1_000_000
"""The place of the reasons that other rows and Python checks give: after a row's own."""

BREACHES: Final = 1_000
"""Conditions of a batch of many columns that are judged in one query."""
_FEW: Final = 200
"""Rows that are left out one by one."""

Failure = tuple[str, str]
"""The SQL condition under which a row fails, and the reason that it then has."""

Raw = Union["pa.Table", str]
"""A batch as it arrived: in memory, or, where it is large, as SQL after FROM."""


def check_columns(names: Sequence[str], contract: Contract, dataset: Dataset) -> None:
    """Demand that the batch has the contract's columns, and the contract the dataset's.

    Raises:
        BatchBreach: a column lacks, or is one too many for a closed contract.
    """
    own = [*dataset.key, *([dataset.event_time] if dataset.event_time else [])]
    absent = [name for name in own if name not in contract.names]
    if absent:
        raise BatchBreach.because(
            f"missing_column({', '.join(absent)})",
            f"the contract of dataset '{dataset.name}' lacks its key or event time",
            got=", ".join(contract.names),
            allowed=f"a contract with {', '.join(absent)}",
        )
    arrived = {name.lower() for name in names}
    missing = [column.name for column in contract.columns if column.required and column.name.lower() not in arrived]
    if missing:
        raise BatchBreach.because(
            f"missing_column({', '.join(missing)})",
            f"missing column {', '.join(missing)}",
            got=", ".join(names),
            allowed=f"all of {', '.join(column.name for column in contract.columns if column.required)}",
            step="land the batch again with every column",
        )
    known = {name.lower() for name in contract.names}
    extra = [name for name in names if name.lower() not in known]
    if contract.closed and extra:
        raise BatchBreach.because(
            f"unexpected_column({', '.join(extra)})",
            f"unexpected column {', '.join(extra)}",
            allowed=", ".join(contract.names),
            step="land the batch without it, or open the contract (strict=False)",
        )


def register(connection: "duckdb.DuckDBPyConnection", raw: "Raw") -> "pa.Table | None":
    """Show the batch to DuckDB as `arrived`, its rows numbered in their order.

    Returns:
        What lies there, where it is in memory.

    Raises:
        BatchBreach: a column's name is doubled, reserved, or none.
    """
    import numpy as np
    import pyarrow as pa

    _check_names(list(kinds(connection, raw)) if isinstance(raw, str) else raw.column_names)
    if isinstance(raw, str):
        connection.execute(f"create temp view arrived as select *, row_number() over () as {ID} from {raw}")
        return None
    arrived = raw.append_column(ID, pa.array(np.arange(1, raw.num_rows + 1, dtype=np.int64)))
    wide.hold(connection, "arrived", arrived)
    return arrived


def _check_names(names: Sequence[str]) -> None:
    counted = Counter(name.lower() for name in names)
    unusable = [name for name in names if not name or "\0" in name or reserved(name)]
    for what, found in (("doubled", [name for name in names if counted[name.lower()] > 1]), ("no name", unusable)):
        if found:
            raise BatchBreach.because(
                f"column_names({what})",
                f"a column of the batch has a name that is {what}",
                got=", ".join(map(repr, found)),
                allowed=f"each name once, without NUL, and neither {BATCH} nor one that begins with {RESERVED}",
                step="land the batch again under other names",
            )


def rows(connection: "duckdb.DuckDBPyConnection", relation: str = "arrived") -> int:
    """How many rows arrived, or are in another relation."""
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])


def without(connection: "duckdb.DuckDBPyConnection", ids: str) -> str:
    """SQL condition over `judged` that leaves rows out; the few that a good batch has cost no join.

    Args:
        connection: of the batch.
        ids: SQL after SELECT of the rows' numbers.
    """
    few = [number for (number,) in connection.execute(f"select {ids} limit {_FEW + 1}").fetchall()]
    if not few:
        return "true"
    return f"{ID} not in ({', '.join(map(str, few)) if len(few) <= _FEW else f'select {ids}'})"


def numbers(connection: "duckdb.DuckDBPyConnection", ids: str) -> "pa.ChunkedArray":
    """The rows' numbers that SQL after SELECT gives."""
    return connection.execute(f"select {ids}").to_arrow_table().column(0)


def as_json(connection: "duckdb.DuckDBPyConnection") -> str:
    """SQL of a row of `arrived` as JSON; NaN and infinity, which JSON lacks, as text."""
    fields = []
    for name, kind in kinds(connection, "arrived").items():
        value = sql.identifier(name)
        if kind in FLOATS:
            value = f"case when isfinite({value}) then to_json({value}) else to_json(cast({value} as varchar)) end"
        fields.append(f"{sql.literal(name)}, {value}")
    return f"cast(json_object({', '.join(fields)}) as varchar)"


def judge(
    connection: "duckdb.DuckDBPyConnection",
    repaired: str,
    contract: Contract,
    dataset: Dataset,
    batch: str,
    *,
    arrived: "pa.Table | None" = None,
) -> "pa.Table | None":
    """Make the relation `judged` in the contract's types, and the table `breaches` of each row's own reasons.

    Args:
        connection: of the batch.
        repaired: the name of its rows once they are repaired.
        contract: what each row must meet.
        dataset: for key, event time and period.
        batch: its name.
        arrived: what lies in memory, where it may be looked at once for all passes.

    Returns:
        What lies in `judged`, where it is in memory.

    Raises:
        BatchBreach: the batch's columns are not the contract's.
    """
    arriving, columns = kinds(connection, repaired), list(enumerate(contract.columns))
    check_columns(list(arriving), contract, dataset)
    connection.execute("create temp table breaches (id bigint, place integer, reason varchar)")
    failures = list(enumerate(_all_failures(contract, dataset, batch)))
    if arrived is not None and len(wide.groups(connection, columns)) == 1:
        return _judge_held(connection, repaired, contract, failures, arrived)
    wide.make(connection, "typed", columns, lambda some: _typed(some, arriving, repaired))
    connection.execute(f"create temp view judged as select {ID}, {sql.identifiers(contract.names)} from typed")
    for some in wide.groups(connection, failures, BREACHES):
        _breach(connection, some, "typed")
    return None


def _judge_held(
    connection: "duckdb.DuckDBPyConnection",
    repaired: str,
    contract: Contract,
    failures: "Sequence[tuple[int, Failure]]",
    arrived: "pa.Table",
) -> "pa.Table":
    """As `judge`, of a batch in memory."""
    columns, lifted = list(enumerate(contract.columns)), None
    if repaired == "arrived":
        lifted, repaired = memory.lift(connection, arrived, contract), memory.LIFTED
    known = kinds(connection, repaired)
    connection.execute(f"create temp view typed as {_typed(columns, known, repaired)}")
    judged = memory.judged(connection, contract, [condition for _, (condition, _) in failures], lifted)
    if rows(connection, memory.FAILING):
        failing = f"(from {repaired} semi join {memory.FAILING} using ({ID}))"
        _breach(connection, failures, f"({_typed(columns, known, failing)})")
    return judged


def _all_failures(contract: Contract, dataset: Dataset, batch: str) -> Iterator[Failure]:
    """Every way in which a row can fail by itself."""
    demanded = {*dataset.key, *([dataset.event_time] if dataset.event_time else [])}
    for position, column in enumerate(contract.columns):
        nullable = column.nullable and column.name not in demanded
        yield from _failures(column, f"{RESERVED}{position}", nullable=nullable)
    if dataset.period and dataset.event_time:
        yield _outside(dataset.period, dataset.event_time, batch)


def _typed(columns: Sequence[tuple[int, Column]], arriving: Mapping[str, str], repaired: str) -> str:
    """SQL of columns twice: whether nothing arrived, under their position, and in the contract's types by name."""
    arrived, typed = [ID], [ID]
    known = {name.lower(): kind for name, kind in arriving.items()}
    for position, column in columns:
        source, name = f"{RESERVED}{position}", sql.identifier(column.name)
        kind = known.get(column.name.lower(), column.type)
        value = present(name, kind, column.type) if column.name.lower() in known else "null"
        arrived.append(f"{value} as {source}")
        typed += [f"{source} is null as {source}", f"{cast(source, kind, column.type)} as {name}"]
    return f"select {', '.join(typed)} from (select {', '.join(arrived)} from {repaired})"


def _breach(connection: "duckdb.DuckDBPyConnection", failures: Sequence[tuple[int, Failure]], typed: str) -> None:
    """Write down every reason of every row that has one; the others are passed over after one look."""
    if not failures:
        return
    first = failures[0][0]
    any_failure = " or ".join(f"({condition})" for _, (condition, _) in failures)
    reasons = ", ".join(f"case when {condition} then {sql.literal(reason)} end" for _, (condition, reason) in failures)
    connection.execute(
        f"""insert into breaches select * from
        (select id, unnest(range({first}, {first} + len(found))) as place, unnest(found) as reason from
        (select {ID} as id, [{reasons}] as found from {typed} where {any_failure})) where reason is not null"""
    )


def _failures(column: Column, source: str, *, nullable: bool) -> Iterator[Failure]:
    """Condition and reason of each way in which a value fails."""
    name = sql.identifier(column.name)
    yield f"not {source} and {name} is null", f"{column.name}:type"
    if not nullable:
        yield source, f"{column.name}:not_null"
    if column.type in INFINITE:
        yield f"not isfinite({name})", f"{column.name}:finite"
    for rule in column.rules:
        yield f"not ({rule.sql})", f"{column.name}:{rule.name}"


def _outside(period: Period, event_time: str, batch: str) -> Failure:
    begin, end = bounds(period, batch)
    time = sql.identifier(event_time)
    inside = f"{time} >= TIMESTAMPTZ '{begin.isoformat()}' and {time} < TIMESTAMPTZ '{end.isoformat()}'"
    return f"not ({inside})", f"{event_time}:outside_batch"
