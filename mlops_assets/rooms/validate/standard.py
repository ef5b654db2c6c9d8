"""pandera's standard checks as SQL conditions."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final

from mlops_assets.errors import ContractError
from mlops_assets.stores import sql

Condition = Callable[[str, Mapping[str, Any]], str]
"""The column as SQL and the check's arguments to a condition that is true where the check is met."""


def literal(value: Any) -> str:
    """A Python, NumPy or pandas scalar as SQL.

    >>> literal("it's"), literal(3), literal(True), literal(2.5)
    ("'it''s'", '3', 'true', '2.5')
    >>> literal(datetime(2013, 1, 1))
    "TIMESTAMPTZ '2013-01-01T00:00:00+00:00'"
    """
    scalar = value.item() if hasattr(value, "item") else value
    if isinstance(scalar, bool):
        return str(scalar).lower()
    if isinstance(scalar, int):
        return str(scalar)
    if isinstance(scalar, float):
        return repr(scalar) if scalar == scalar and abs(scalar) != float("inf") else f"'{scalar}'::DOUBLE"  # noqa: PLR0124 - NaN
    if isinstance(scalar, datetime):
        moment = scalar if scalar.tzinfo else scalar.replace(tzinfo=UTC)
        return f"TIMESTAMPTZ '{moment.isoformat()}'"
    if isinstance(scalar, date):
        return f"DATE '{scalar.isoformat()}'"
    if isinstance(scalar, str):
        return sql.literal(scalar)
    raise ContractError.of(
        "a check compares with a value that SQL can't hold",
        got=repr(value),
        allowed="numbers, texts, dates, times and booleans",
        step="write it as a custom check",
    )


def _among(values: Iterable[Any]) -> str:
    return "(" + ", ".join(literal(value) for value in values) + ")"


def _in_range(column: str, given: Mapping[str, Any]) -> str:
    low = ">=" if given.get("include_min", True) else ">"
    high = "<=" if given.get("include_max", True) else "<"
    return f"{column} {low} {literal(given['min_value'])} and {column} {high} {literal(given['max_value'])}"


def _length(column: str, given: Mapping[str, Any]) -> str:
    limits = (("=", "exact_value"), (">=", "min_value"), ("<=", "max_value"))
    wanted = [f"length({column}) {sign} {given[name]}" for sign, name in limits if given.get(name) is not None]
    return " and ".join(wanted) or "true"


def _pattern(value: Any) -> str:
    return str(value.pattern if isinstance(value, re.Pattern) else value)


CONDITIONS: Final[dict[str, Condition]] = {
    "equal_to": lambda c, a: f"{c} = {literal(a['value'])}",
    "not_equal_to": lambda c, a: f"{c} <> {literal(a['value'])}",
    "greater_than": lambda c, a: f"{c} > {literal(a['min_value'])}",
    "greater_than_or_equal_to": lambda c, a: f"{c} >= {literal(a['min_value'])}",
    "less_than": lambda c, a: f"{c} < {literal(a['max_value'])}",
    "less_than_or_equal_to": lambda c, a: f"{c} <= {literal(a['max_value'])}",
    "in_range": _in_range,
    "isin": lambda c, a: f"{c} in {_among(a['allowed_values'])}",
    "notin": lambda c, a: f"{c} not in {_among(a['forbidden_values'])}",
    "str_matches": lambda c, a: f"regexp_matches({c}, {sql.literal('^(?:' + _pattern(a['pattern']) + ')')})",
    "str_contains": lambda c, a: f"regexp_matches({c}, {sql.literal(_pattern(a['pattern']))})",
    "str_startswith": lambda c, a: f"starts_with({c}, {literal(a['string'])})",
    "str_endswith": lambda c, a: f"ends_with({c}, {literal(a['string'])})",
    "str_length": _length,
}
"""The name that pandera gives a check to its SQL."""


@cache
def runs(condition: str, column: str, kind: str) -> bool:
    """Whether DuckDB can judge a condition; its regular expressions lack what Python's have, such as look-ahead."""
    import duckdb

    with sql.connect() as connection:
        connection.execute(f"create table probe ({column} {kind})")
        connection.execute(f"insert into probe values ({'null' if kind != 'VARCHAR' else sql.literal('x')})")
        try:
            connection.execute(f"select {condition} from probe").fetchall()
        except duckdb.InvalidInputException:
            return False
    return True
