"""What differs between two versions of a table: rows by key, columns, and how each column's values are spread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import UnknownName
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from mlops_assets.stores.lake import Lake

EXAMPLES: Final = 5
MEMORY: Final = "1GB"
SPREAD: Final = ("min", "max", "avg", "std", "q25", "q50", "q75", "null_percentage")
"""Of DuckDB's SUMMARIZE; the quartiles are approximate; NaN and infinity are null."""


@dataclass(frozen=True)
class Difference:
    """Two versions of one table, side by side.

    Attributes:
        table: name.
        versions: the earlier and the later number, as they were given.
        rows: of each.
        added: rows of the second that the first lacks: by key, or without one as whole rows.
        removed: rows of the first that the second lacks.
        changed: rows of both, by key, with other values; None where the table has no key.
        examples: `added`, `removed` and `changed` to the keys of a few such rows.
        cells: column to the changed rows in which it differs.
        columns: `added`, `removed` and `retyped` to the names of such columns.
        spread: column to its figures in the first and in the second, where they differ.
    """

    table: str
    versions: tuple[int, int]
    rows: tuple[int, int]
    added: int
    removed: int
    changed: int | None
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    spread: Mapping[str, Mapping[str, Sequence[str | None]]] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.removed or self.changed or any(self.columns.values()))


def between(lake: "Lake", table: str, before: int, after: int, key: Sequence[str] = ()) -> Difference:
    """Compare two versions.

    Args:
        lake: the tables.
        table: such as `flights/clean`.
        before: a version's number.
        after: another's.
        key: the columns that name a row; none: rows are compared as a whole.

    Raises:
        NotFound: there is no such table or version, or its files were removed.
        UnknownName: a key column is in neither version.
    """
    with sql.connect(MEMORY) as connection:
        for name, number in (("a", before), ("b", after)):
            connection.execute(
                f"create temp view {name} as select * exclude ({BATCH}) from {lake.scan(table, version=number)}"
            )
        kinds = _kinds(connection, "a"), _kinds(connection, "b")
        shared = [name for name in kinds[0] if name in kinds[1]]
        for name in key:
            if name not in shared:
                raise UnknownName.among(f"key column of table '{table}'", name, shared)
        added, removed, changed, cells, examples = (
            _by_key(connection, key, [name for name in shared if name not in key])
            if key
            else _by_row(connection, shared)
        )
        rows = _one(connection, "select (select count(*) from a), (select count(*) from b)")
        spread = _spread(connection)
    return Difference(
        table, (before, after), (rows[0], rows[1]), added, removed, changed, examples, cells, _columns(*kinds), spread
    )


def _by_key(
    connection: "DuckDBPyConnection", key: Sequence[str], others: Sequence[str]
) -> tuple[int, int, int, dict[str, int], dict[str, list[str]]]:
    on = " and ".join(f"a.{sql.identifier(name)} is not distinct from b.{sql.identifier(name)}" for name in key)
    differs = [f"a.{c}::varchar is distinct from b.{c}::varchar" for c in map(sql.identifier, others)]
    named = " || ', ' || ".join(f"coalesce(coalesce(a.{c}, b.{c})::varchar, 'null')" for c in map(sql.identifier, key))
    named = f"'(' || {named} || ')'" if len(key) > 1 else named
    flags = "".join(f", {condition} as c{n}" for n, condition in enumerate(differs))
    connection.execute(
        f"""create temp table compared as
        select {named} as name, a.here is null as added, b.here is null as removed{flags}
        from (select *, true as here from a) a full join (select *, true as here from b) b on {on}"""
    )
    any_of = " or ".join(f"c{n}" for n in range(len(others))) or "false"
    conditions = {"added": "added", "removed": "removed", "changed": f"not added and not removed and ({any_of})"}
    counts = [_one(connection, f"select count(*) from compared where {where}")[0] for where in conditions.values()]
    each = ", ".join(f"count(*) filter (where c{n})" for n in range(len(others)))
    differing = _one(connection, f"select {each} from compared where not added and not removed") if others else ()
    examples = {
        what: [
            name
            for (name,) in connection.execute(
                f"select name from compared where {where} order by 1 limit {EXAMPLES}"
            ).fetchall()
        ]
        for what, where in conditions.items()
    }
    cells = {name: count for name, count in zip(others, differing, strict=True) if count}
    return counts[0], counts[1], counts[2], cells, examples


def _by_row(
    connection: "DuckDBPyConnection", shared: Sequence[str]
) -> tuple[int, int, None, dict[str, int], dict[str, list[str]]]:
    columns = ", ".join(f"{sql.identifier(name)}::varchar" for name in shared) or "1"
    a, b = (f"select {columns} from {name}" for name in ("a", "b"))
    added, removed = (
        _one(connection, f"select count(*) from ({one} except all {other})")[0] for one, other in ((b, a), (a, b))
    )
    return added, removed, None, {}, {}


def _columns(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "retyped": [
            f"{name}: {before[name]} to {after[name]}"
            for name in before
            if after.get(name, before[name]) != before[name]
        ],
    }


def _spread(connection: "DuckDBPyConnection") -> dict[str, dict[str, list[str | None]]]:
    """The figures of each column that are not the same in both."""
    before, after = _figures(connection, "a"), _figures(connection, "b")
    differing: dict[str, dict[str, list[str | None]]] = {}
    for name in before.keys() & after.keys():
        pairs = {what: [_text(before[name][what]), _text(after[name][what])] for what in ("distinct", *SPREAD)}
        if changed := {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}:
            differing[name] = changed
    return {name: differing[name] for name in after if name in differing}


def _figures(connection: "DuckDBPyConnection", view: str) -> dict[str, dict[str, Any]]:
    kinds = _kinds(connection, view)
    finite = ", ".join(_finite(name, kind) for name, kind in kinds.items())
    query = f"select column_name, {', '.join(SPREAD)} from (summarize select {finite} from {view})"
    counts = _one(
        connection, f"select {', '.join(f'count(distinct {sql.identifier(name)})' for name in kinds)} from {view}"
    )
    distinct = dict(zip(kinds, counts, strict=True))
    rows = connection.execute(query).fetchall()
    return {row[0]: {"distinct": distinct[row[0]], **dict(zip(SPREAD, row[1:], strict=True))} for row in rows}


def _finite(name: str, kind: str) -> str:
    """A column that SUMMARIZE can take: it fails at NaN and infinity."""
    column = sql.identifier(name)
    return f"case when isfinite({column}) then {column} end as {column}" if kind in ("FLOAT", "DOUBLE") else column


def _text(value: object) -> str | None:
    """A figure with as many digits as anybody reads."""
    if value is None:
        return None
    try:
        return f"{float(str(value)):.6g}"
    except ValueError:
        return str(value)


def _kinds(connection: "DuckDBPyConnection", view: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {view}").fetchall()}


def _one(connection: "DuckDBPyConnection", query: str) -> tuple[int, ...]:
    found: tuple[int, ...] = connection.execute(query).fetchall()[0]
    return found
