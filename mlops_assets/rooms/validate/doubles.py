"""Doubled keys and values: in a batch, and across batches; only the few that are doubled are looked at twice."""

from typing import TYPE_CHECKING

from mlops_assets.rooms.validate.contract import Contract
from mlops_assets.rooms.validate.judgement import ID
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH

if TYPE_CHECKING:
    import duckdb


def find(
    connection: "duckdb.DuckDBPyConnection", contract: Contract, dataset: Dataset, batch: str, others: str | None
) -> None:
    """Add to `breaches` the rows of `judged` whose key or value is not their own; leave the table `doubled`."""
    content = f"row({sql.identifiers(contract.names)})"
    if dataset.key:
        _within(connection, "doubled", dataset.key, differing=f"count(distinct {content}) > 1", reason="key:conflict")
        if others:
            _across(connection, dataset.key, batch, others)
    differing = f"count(distinct {content}) > 1" if dataset.key else "count(*) > 1"
    for position, group in enumerate(contract.unique):
        reason = f"{'+'.join(group)}:unique"
        _within(connection, f"doubled_{position}", group, differing=differing, reason=reason)


def _within(
    connection: "duckdb.DuckDBPyConnection", table: str, columns: tuple[str, ...], *, differing: str, reason: str
) -> None:
    """Keep the doubled values of some columns in a table, and refuse the rows where they differ in more than that."""
    names = sql.identifiers(columns)
    complete = " and ".join(f"{sql.identifier(name)} is not null" for name in columns)
    connection.execute(
        f"""create temp table {table} as
        with often as (select {names} from judged where {complete} group by {names} having count(*) > 1)
        select {names}, {differing} as conflict
        from judged semi join often using ({names})
        group by {names}"""
    )
    connection.execute(
        f"insert into breaches select {ID}, ? from judged semi join (from {table} where conflict) using ({names})",
        [reason],
    )


def _across(connection: "duckdb.DuckDBPyConnection", key: tuple[str, ...], batch: str, others: str) -> None:
    names = sql.identifiers(key)
    connection.execute(
        f"""insert into breaches
        select {ID}, 'key:in_batch(' || min({BATCH}) || ')' from judged
        join (select {names}, {BATCH} from {others} where {BATCH} <> ?) using ({names}) group by {ID}""",
        [batch],
    )
