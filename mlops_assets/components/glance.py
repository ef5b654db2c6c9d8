"""A first look at a data file: what could be its key, its event time and its features."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.rooms.ingest.landing import arrivals, refusals
from mlops_assets.rooms.ingest.readers import read
from mlops_assets.rooms.validate.casting import cast, present
from mlops_assets.rooms.validate.contract import Column as Contracted
from mlops_assets.rooms.validate.infer import infer
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import duckdb

Kind = Literal["number", "whole", "category", "flag", "time"]
MOST_CATEGORIES = 100
_ID = re.compile(r"(?i)(^|_)(id|key|uuid|guid|no|nr|number|code)$|[a-z](Id|ID|Key)$")
_KINDS: Sequence[tuple[str, Kind]] = (
    (r"BOOLEAN", "flag"),
    (r"(TINY|SMALL|BIG)?INT(EGER)?", "whole"),
    (r"FLOAT|DOUBLE", "number"),
    (r"VARCHAR", "category"),
    (r"DATE|TIMESTAMP.*", "time"),
)


@dataclass(frozen=True)
class Column:
    """A column's figures."""

    name: str
    kind: Kind
    values: int
    distinct: int

    def left_out(self, rows: int) -> str:
        """Why the column is no feature; empty when it is one."""
        if self.distinct <= 1:
            return "never changes"
        if self.kind == "time":
            return "a time"
        if self.kind == "category" and self.distinct > min(MOST_CATEGORIES, max(rows // 2, 2)):
            return f"text with {self.distinct:,} values"
        return "looks like an id" if self.distinct == rows and _ID.search(self.name) else ""


@dataclass(frozen=True)
class Glance:
    """What a look at a file told.

    Attributes:
        source: the file or glob, as the user gave it.
        reserved: words that SQL keeps for itself.
        span: from the first to the last moment of each time column.
        pairs: of each column with two values, these two, the rarer one first.
    """

    source: str
    rows: int
    columns: Sequence[Column]
    reserved: Collection[str]
    span: dict[str, timedelta]
    pairs: dict[str, tuple[object, object]]

    @property
    def names(self) -> list[str]:
        """Every column."""
        return [column.name for column in self.columns]

    def column(self, name: str, option: str) -> Column:
        """A column that the user named.

        Raises:
            UnknownName: the file has none of that name.
        """
        if name not in self.names:
            raise UnknownName.among(f"column for {option}", name, self.names, where=self.source)
        return self.columns[self.names.index(name)]

    def key(self) -> str | None:
        """The column that names a row; None when none does, or does only by accident."""
        unique = [c for c in self.columns if c.values == c.distinct == self.rows and c.kind in ("whole", "category")]
        named = [c.name for c in unique if _ID.search(c.name)] or [c.name for c in unique if c is self.columns[0]]
        return named[0] if named else None

    def fresh(self, name: str) -> str:
        """A name that no column has yet."""
        taken = {each.lower() for each in self.names}
        return next(each for each in chain([name], (f"{name}_{n}" for n in count(2))) if each not in taken)

    def event_time(self) -> str | None:
        """The first time column that is never empty."""
        return next((c.name for c in self.columns if c.kind == "time" and c.values == self.rows), None)

    def identifier(self, name: str) -> str:
        """A column in SQL, quoted only where it must be."""
        if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in self.reserved:
            return name
        return sql.identifier(name)


def look(source: str, home: Path) -> Glance:
    """Look at a file, or at all that a glob finds, in the types that its contract will have.

    Raises:
        SpecError: there is nothing to look at.
        LandingError: a file cannot be read.
    """
    import pyarrow as pa

    dataset = Dataset(name="look", source=Source(files=source))
    refused = refusals(dataset, home)
    if refused:
        raise refused[0]
    files = [arrival.path for arrival in arrivals(dataset, home)]
    if not files:
        raise SpecError.of(
            f"no such file: {source}", allowed=f"a file or glob, relative to {home}", step="check --source"
        )
    arrived = pa.concat_tables([read(file) for file in files], promote_options="permissive")
    contract = infer(arrived, dataset)
    with sql.connect() as connection:
        connection.register("arrived", arrived)
        kinds = {name: str(kind) for name, kind, *_ in connection.execute("DESCRIBE arrived").fetchall()}
        typed = ", ".join(_typed(column, kinds[column.name]) for column in contract.columns)
        connection.execute(f"CREATE TABLE landed AS SELECT {typed} FROM arrived")
        return _glance(source, connection)


def _typed(column: Contracted, kind: str) -> str:
    name = sql.identifier(column.name)
    return f"{cast(present(name, kind, column.type), kind, column.type)} AS {name}"


def _glance(source: str, connection: "duckdb.DuckDBPyConnection") -> Glance:
    rows = int(_one(connection, "SELECT count(*) FROM landed")[0])
    columns = []
    for name, declared, *_ in connection.execute("DESCRIBE landed").fetchall():
        kind: Kind = next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, declared)))
        values, distinct = _one(
            connection, f"SELECT count({sql.identifier(name)}), count(DISTINCT {sql.identifier(name)}) FROM landed"
        )
        columns.append(Column(name, kind, int(values), int(distinct)))
    return Glance(
        source,
        rows,
        columns,
        {word for (word,) in connection.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()},
        {c.name: _span(connection, c.name) for c in columns if c.kind == "time" and c.values},
        {c.name: _pair(connection, c.name) for c in columns if c.distinct == 2},  # noqa: PLR2004 - yes and no
    )


def _span(connection: "duckdb.DuckDBPyConnection", name: str) -> timedelta:
    moment = f"CAST({sql.identifier(name)} AS TIMESTAMP)"
    seconds = _one(connection, f"SELECT date_diff('second', min({moment}), max({moment})) FROM landed")[0]
    return timedelta(seconds=int(seconds))


def _pair(connection: "duckdb.DuckDBPyConnection", name: str) -> tuple[object, object]:
    column = sql.identifier(name)
    query = f"SELECT {column} FROM landed WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY count(*), 1 DESC"
    (rarer,), (other,) = connection.execute(query).fetchall()
    return rarer, other


def _one(connection: "duckdb.DuckDBPyConnection", query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    return tuple(row) if row else ()
