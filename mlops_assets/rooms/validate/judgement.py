"""The one SQL pass: each row is cast to the contract's types, and gets every reason for which it fails by itself."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.validate.casting import FLOATS, INFINITE, cast, present
from mlops_assets.rooms.validate.contract import RESERVED, BatchBreach, Column, Contract
from mlops_assets.rooms.validate.periods import bounds
from mlops_assets.rooms.validate.repairing import ID, kinds
from mlops_assets.spec.dataset import Dataset, Period
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

REASONS: Final = f"{RESERVED}reasons"
"""The reasons that a row has by itself."""
WHY: Final = f"{RESERVED}why"
"""All of its reasons, those that other rows and Python checks give it among them."""


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


def register(connection: "duckdb.DuckDBPyConnection", raw: "pa.Table") -> None:
    """Show the batch to DuckDB as `arrived`, its rows numbered."""
    import numpy as np
    import pyarrow as pa

    numbers = pa.array(np.arange(1, raw.num_rows + 1, dtype=np.int64))
    connection.register("arrived", raw.append_column(ID, numbers))


def as_json(connection: "duckdb.DuckDBPyConnection") -> str:
    """SQL of a row of `arrived` as JSON; NaN and infinity, which JSON lacks, as text."""
    fields = []
    for name, kind in kinds(connection, "arrived").items():
        value = sql.identifier(name)
        if kind in FLOATS:
            value = f"case when isfinite({value}) then to_json({value}) else to_json(cast({value} as varchar)) end"
        fields.append(f"{sql.literal(name)}, {value}")
    return f"cast(json_object({', '.join(fields)}) as varchar)"


def judge(connection: "duckdb.DuckDBPyConnection", contract: Contract, dataset: Dataset, batch: str) -> None:
    """Make the table `judged` of the view `repaired`: row number, the contract's columns and its own reasons.

    Raises:
        BatchBreach: the batch's columns are not the contract's.
    """
    arriving = kinds(connection, "repaired")
    check_columns(list(arriving), contract, dataset)
    known = {name.lower(): kind for name, kind in arriving.items()}
    arrived, typed, failures = [ID], [ID], []
    demanded = {*dataset.key, *([dataset.event_time] if dataset.event_time else [])}
    for position, column in enumerate(contract.columns):
        source, name = f"{RESERVED}{position}", sql.identifier(column.name)
        kind = known.get(column.name.lower(), column.type)
        value = present(name, kind, column.type) if column.name.lower() in known else "null"
        arrived.append(f"{value} as {source}")
        typed += [source, f"{cast(source, kind, column.type)} as {name}"]
        failures += list(_failures(column, source, nullable=column.nullable and column.name not in demanded))
    if dataset.period and dataset.event_time:
        failures.append(_outside(dataset.period, dataset.event_time, batch))
    any_failure = " or ".join(f"coalesce({condition}, false)" for condition, _ in failures) or "false"
    reasons = ", ".join(f"case when {condition} then {sql.literal(reason)} end" for condition, reason in failures)
    found = f"list_filter([{reasons or 'null'}], lambda x: x is not null)"
    connection.execute(
        f"""create temp table judged as
        select {ID}, {sql.identifiers(contract.names)}, case when {any_failure} then {found} else [] end as {REASONS}
        from (select {", ".join(typed)} from (select {", ".join(arrived)} from repaired))"""
    )


def _failures(column: Column, source: str, *, nullable: bool) -> Iterator[tuple[str, str]]:
    """Condition and reason of each way in which a value fails."""
    name = sql.identifier(column.name)
    yield f"{source} is not null and {name} is null", f"{column.name}:type"
    if not nullable:
        yield f"{source} is null", f"{column.name}:not_null"
    if column.type in INFINITE:
        yield f"not isfinite({name})", f"{column.name}:finite"
    for rule in column.rules:
        yield f"not ({rule.sql})", f"{column.name}:{rule.name}"


def _outside(period: Period, event_time: str, batch: str) -> tuple[str, str]:
    begin, end = bounds(period, batch)
    time = sql.identifier(event_time)
    inside = f"{time} >= TIMESTAMPTZ '{begin.isoformat()}' and {time} < TIMESTAMPTZ '{end.isoformat()}'"
    return f"not ({inside})", f"{event_time}:outside_batch"
