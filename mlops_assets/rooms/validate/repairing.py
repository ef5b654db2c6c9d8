"""Repairs at work: the rows of a batch go through them one after another, and every cell that changes is recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import ContractError, SpecError
from mlops_assets.rooms.validate import wide
from mlops_assets.rooms.validate.contract import BatchBreach
from mlops_assets.rooms.validate.repairs import REPAIRS, Arrived, Rewrite, mend
from mlops_assets.spec.repair import Merge, Repair
from mlops_assets.stores import sql
from mlops_assets.stores.expression import column_type
from mlops_assets.stores.lake import RESERVED

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ID: Final = f"{RESERVED}row"
"""The row's number in the arrival, from 1."""
MEND: Final = "mend"
"""The kind under which a person's own values are recorded."""
COLUMNS: Final = "_row bigint, column_name varchar, repair varchar, before varchar, after varchar"
"""Of the record: `_row` is null where a whole column was renamed, `column_name` where a row was merged with another."""

FEW: Final = 50
"""Columns of one repair that are looked at one by one."""

Mends = Mapping[int, Mapping[str, str | None]]
"""Row number to column to the text that a person gave; None: null."""


@dataclass(frozen=True)
class Repairs:
    """What is done to a batch before it is judged.

    Attributes:
        declared: in their order.
        references: dataset to its clean table as SQL, for fills that look a value up.
        mends: a person's values for single rows, applied last.
    """

    declared: Sequence[Repair] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    mends: Mends = field(default_factory=dict)


def apply(connection: "duckdb.DuckDBPyConnection", repairs: Repairs) -> str:
    """The name of what becomes of `arrived`; of the cells that differ, the table `repairs` is made.

    Raises:
        BatchBreach: a repair cannot be applied to what arrived.
    """
    connection.execute(f"create temp table repairs ({COLUMNS})")
    held = "arrived"
    steps: list[Repair | Mends] = [each for each in repairs.declared if not isinstance(each, Merge)]
    for place, step in enumerate([*steps, repairs.mends] if repairs.mends else steps):
        rewrites, kind = _rewrites(connection, held, step, repairs)
        if rewrites:
            _record(connection, held, rewrites, kind)
            _step(connection, held, rewrites, f"{RESERVED}step_{place}")
            held = f"{RESERVED}step_{place}"
    return held


def recorded(connection: "duckdb.DuckDBPyConnection", rows: Callable[[str], Any]) -> tuple[Any, dict[str, int]]:
    """Every repaired cell, in the order of rows; and how many cells each repair of a column changed."""
    counted = connection.execute(
        "select repair || coalesce(' ' || column_name, ''), count(*) from repairs group by 1 order by 2 desc, 1"
    ).fetchall()
    return rows("from repairs order by _row, column_name, repair, before"), dict(counted)


def nothing() -> "pa.Table":
    """The record of a batch in which no cell was repaired."""
    with sql.session() as connection:
        types = [part.split() for part in COLUMNS.split(", ")]
        empty = ", ".join(f"null::{kind} as {name}" for name, kind in types)
        return connection.execute(f"select {empty} where false").to_arrow_table()


def kinds(connection: "duckdb.DuckDBPyConnection", relation: str) -> dict[str, str]:
    """The columns of a relation and their DuckDB types, the row's number left out."""
    return {name: kind for name, kind, *_ in connection.execute(f"describe from {relation}").fetchall() if name != ID}


def _rewrites(
    connection: "duckdb.DuckDBPyConnection", held: str, step: "Repair | Mends", repairs: Repairs
) -> tuple[list[Rewrite], str]:
    arrived = Arrived(kinds(connection, held), repairs.references)
    if isinstance(step, Mapping):
        return list(mend(step, ID, arrived)), MEND
    _checked(connection, held, step, arrived)
    try:
        return list(REPAIRS[step.kind](step, arrived)), step.kind
    except BatchBreach:
        raise
    except ContractError as error:
        raise BatchBreach.because(f"repair_failed({step.kind})", str(error)) from error


def _checked(connection: "duckdb.DuckDBPyConnection", held: str, step: Any, arrived: Arrived) -> None:
    """Demand that a condition is one over the row alone."""
    condition = getattr(step, "when", None)
    if condition is None or not arrived.found([step.column]):
        return
    what = f"when of the repair {step.kind} of '{step.column}'"
    try:
        column_type(connection, condition, relation=held, allowed=list(arrived.kinds), later=(), what=what)
    except SpecError as error:
        raise BatchBreach.because(f"repair_failed({step.kind})", str(error)) from error


def _record(connection: "duckdb.DuckDBPyConnection", held: str, rewrites: Sequence[Rewrite], kind: str) -> None:
    """Write down each cell before and after; the text of a value tells whether it differs."""
    for rewrite in rewrites:
        if rewrite.name != rewrite.column:
            changed = [rewrite.name, kind, rewrite.column, rewrite.name]
            connection.execute("insert into repairs values (null, ?, ?, ?, ?)", changed)
    for joined in dict.fromkeys(rewrite.join for rewrite in rewrites):
        valued = [each for each in rewrites if each.name == each.column and each.join == joined]
        for some in wide.groups(connection, valued):
            _differing(connection, f"{held} arrived {joined}", some, kind)


def _differing(connection: "duckdb.DuckDBPyConnection", source: str, rewrites: Sequence[Rewrite], kind: str) -> None:
    """Write down the cells that differ, of one column straight away, of several in one look at each row."""
    for rewrite in rewrites if len(rewrites) <= FEW else ():
        before, after = _texts(rewrite)
        connection.execute(
            f"""insert into repairs select * from (select {ID} as id, ?, ?, {before} as before, {after} as after
            from {source}) where before is distinct from after""",
            [rewrite.name, kind],
        )
    if len(rewrites) > FEW:
        cells = [f"row({sql.literal(each.name)}, {', '.join(_texts(each))})" for each in rewrites]
        connection.execute(
            f"""insert into repairs select id, cell[1], ?, cell[2], cell[3] from (select {ID} as id,
            unnest(list_filter([{", ".join(cells)}], lambda c: c[2] is distinct from c[3])) as cell from {source})""",
            [kind],
        )


def _texts(rewrite: Rewrite) -> tuple[str, str]:
    """SQL of a cell's text before and after."""
    return f"cast(arrived.{sql.identifier(rewrite.column)} as varchar)", f"cast({rewrite.value} as varchar)"


def _step(connection: "duckdb.DuckDBPyConnection", held: str, rewrites: Sequence[Rewrite], name: str) -> None:
    changed = {rewrite.column: rewrite for rewrite in rewrites}
    joins = " ".join(rewrite.join for rewrite in rewrites if rewrite.join)

    def given(columns: Sequence[str]) -> str:
        values = [_after(column, changed.get(column)) for column in columns]
        return f"select {', '.join([ID, *values])} from {held} arrived {joins}"

    wide.make(connection, name, list(kinds(connection, held)), given)


def _after(column: str, rewrite: Rewrite | None) -> str:
    value, name = (rewrite.value, rewrite.name) if rewrite else (f"arrived.{sql.identifier(column)}", column)
    return f"{value} as {sql.identifier(name)}"
