"""Batches of many columns: DuckDB plans a query in the square of its expressions, so they are computed in groups."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MANY: Final = 500
"""Columns from which a batch in memory is judged in groups."""
TOGETHER: Final = 200
"""Columns of a group."""

Item = TypeVar("Item")


def hold(connection: "duckdb.DuckDBPyConnection", name: str, rows: "pa.Table") -> None:
    """Show rows to DuckDB: as they lie, or, where the columns are many, as a table, which is sooner asked for a few."""
    if rows.num_columns < MANY:
        connection.register(name, rows)
        return
    connection.register(f"{name}_passing", rows)
    connection.execute(f"create temp table {name} as from {name}_passing")
    connection.unregister(f"{name}_passing")


def groups(
    connection: "duckdb.DuckDBPyConnection", items: Sequence[Item], together: int = TOGETHER
) -> list[Sequence[Item]]:
    """What is computed together: all, or, of a batch of many columns in memory, some at a time."""
    if len(items) <= together or not _held(connection):
        return [items]
    return [items[start : start + together] for start in range(0, len(items), together)]


def make(
    connection: "duckdb.DuckDBPyConnection",
    name: str,
    items: Sequence[Item],
    query: Callable[[Sequence[Item]], str],
) -> None:
    """Make a relation of a row's number and what is computed of each item: a view, or a table filled group by group.

    Args:
        connection: of the batch.
        name: of the relation.
        items: such as the columns.
        query: SQL of some of them, with the row's number first and the rows in their order.
    """
    parts = groups(connection, items)
    if len(parts) == 1:
        connection.execute(f"create temp view {name} as {query(items)}")
        return
    hold(connection, name, beside([connection.execute(query(part)).to_arrow_table() for part in parts], name))


def beside(found: "Sequence[pa.Table]", name: str) -> "pa.Table":
    """The columns of the same rows side by side; the row's number, which leads each part, once."""
    import pyarrow as pa

    numbers = found[0].column(0)
    if not all(part.column(0).equals(numbers) for part in found):
        raise RuntimeError(f"the groups of columns of '{name}' have other rows each")
    fields = [found[0].field(0), *(field for part in found for field in list(part.schema)[1:])]
    columns = [numbers, *(column for part in found for column in part.columns[1:])]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _held(connection: "duckdb.DuckDBPyConnection") -> bool:
    """Whether the batch lies in a table of its own."""
    found = connection.execute("select count(*) from duckdb_tables() where table_name = 'arrived'").fetchall()
    return bool(found[0][0])
