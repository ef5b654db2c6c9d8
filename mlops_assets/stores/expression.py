"""A user's SQL expression is checked against the columns that it may name before anything is computed with it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.stores.sql import identifiers

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")
_BEYOND_THE_ROW = {"SUBQUERY": "a subquery", "WINDOW": "a window function"}


def columns(connection: "DuckDBPyConnection", relation: str) -> list[str]:
    """The columns of a relation, in order."""
    return [row[0] for row in connection.execute(f"describe select * from {relation}").fetchall()]


def known(what: str, name: str, allowed: Collection[str]) -> None:
    """Demand that a column is one of those allowed.

    Raises:
        UnknownName: it is not.
    """
    if name not in allowed:
        raise UnknownName.among("column", name, allowed, where=what)


def column_type(
    connection: "DuckDBPyConnection",
    sql: str,
    *,
    relation: str,
    allowed: Sequence[str],
    later: Collection[str],
    what: str,
) -> str:
    """The type, in DuckDB's words, of an expression over the allowed columns of a relation: one value a row.

    Args:
        connection: where the relation can be seen.
        sql: the expression.
        relation: SQL after FROM.
        allowed: the columns that it may name.
        later: columns that are there, but not known yet.
        what: whose expression it is, for the error.

    Raises:
        SpecError: it names another column, or is no such expression.
    """
    import duckdb

    mentioned = _mentioned(connection, sql)
    for kind in sorted(_BEYOND_THE_ROW.keys() & mentioned.classes):
        raise SpecError.of(f"{what}: {_BEYOND_THE_ROW[kind]} sees other rows", got=sql, allowed="SQL over one row")
    try:
        rows = connection.execute(
            f"describe select *, ({sql}\n) from (select {identifiers(allowed)} from {relation})"
        ).fetchall()
    except duckdb.Error as error:
        early = [column for column in later if column.casefold() in mentioned.columns]
        reason = f"names {', '.join(early)}, not known at the event time" if early else str(error).splitlines()[0]
        raise SpecError.of(f"{what}: {reason}", got=sql, allowed="SQL over " + ", ".join(allowed)) from error
    if len(rows) != len(allowed) + 1:
        raise SpecError.of(f"{what}: more than one expression", got=sql, allowed="one SQL expression")
    return str(rows[-1][1])


def is_number(kind: str) -> bool:
    """Whether a DuckDB type is a number, or a truth that counts as one.

    >>> is_number("DECIMAL(18,3)"), is_number("UBIGINT"), is_number("VARCHAR"), is_number("INTEGER[]")
    (True, True, False, False)
    """
    return kind.partition("(")[0].removeprefix("U") in _NUMBERS


def columns_named(connection: "DuckDBPyConnection", sql: str, given: Sequence[str]) -> list[str]:
    """Those of the given columns that an expression mentions, by DuckDB's own parser."""
    mentioned = _mentioned(connection, sql).columns
    return [column for column in given if column.casefold() in mentioned]


def columns_mentioned(connection: "DuckDBPyConnection", sql: str) -> list[str]:
    """Every column that an expression mentions, in small letters."""
    return sorted(_mentioned(connection, sql).columns)


@dataclass
class _Mentioned:
    """What the parse tree of an expression holds: kinds of nodes, and column names with case set aside."""

    classes: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)

    def walk(self, node: Any) -> None:
        if isinstance(node, dict):
            self.classes.add(str(node.get("class", "")))
            self.columns.update(name.casefold() for name in node.get("column_names", ()))
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            self.walk(child)


def _mentioned(connection: "DuckDBPyConnection", sql: str) -> _Mentioned:
    """Nothing when the expression cannot be parsed: whoever computes it gets DuckDB's own words about it."""
    text = connection.execute("select json_serialize_sql(?)", [f"select ({sql}\n)"]).fetchall()[0][0]
    found = _Mentioned()
    found.walk(json.loads(text))
    return found
