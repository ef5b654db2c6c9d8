"""A contract inferred from the first batch: the types that hold its values, and what was seen of each column."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mlops_assets.rooms.validate import wide
from mlops_assets.rooms.validate.casting import FLOATS, INTEGERS, cast, present
from mlops_assets.rooms.validate.contract import BatchBreach, Column, Contract
from mlops_assets.rooms.validate.judgement import Raw, register, rows
from mlops_assets.rooms.validate.repairing import Repairs, apply, kinds
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql

_FORMS: Final = {
    "BIGINT": r"\s*[+-]?(0|[1-9][0-9]*)\s*",
    "DOUBLE": r"(?i)\s*[+-]?(nan|inf|infinity|((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?)\s*",
    "BOOLEAN": r"(?i)true|false",
    "DATE": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "TIMESTAMPTZ": r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}.*)?",
}
"""How a text must look to be taken for a type, the narrowest type first; 007 is no number."""
_NAMES: Final = r"\s*[+-]?[0-9]{16,}\s*"
"""Whole numbers that no float holds: beyond those that are BIGINT they are names, such as of orders, and stay texts."""
_DIGITS: Final = 18
"""Of every BIGINT."""
_EXACT: Final = 1_000_000
"""Rows up to which values are counted one by one for what the file says of a column."""
TOGETHER: Final = 50
"""Columns that are looked at in one query: what a query costs grows faster than its columns."""


def infer(raw: Raw, dataset: Dataset, repairs: Repairs | None = None) -> Contract:
    """The types that hold every value of a batch once it is repaired; only key and event time are demanded of a row.

    Raises:
        BatchBreach: the batch has no rows, or lacks the dataset's key or event time.
    """
    own = [*dataset.key, *([dataset.event_time] if dataset.event_time else [])]
    with sql.session() as connection:
        register(connection, raw)
        repaired = apply(connection, repairs or Repairs())
        found = kinds(connection, repaired)
        _require(own, list(found), rows(connection), dataset.name)
        texts = [name for name, kind in found.items() if kind == "VARCHAR"]
        possible: dict[str, list[str]] = {}
        for start in range(0, len(texts), TOGETHER):
            some = texts[start : start + TOGETHER]
            fits = [_fits(sql.identifier(name), kind) for name in some for kind in _FORMS]
            answers = iter(connection.execute(f"select {', '.join(fits)} from {repaired}").fetchall()[0])
            possible |= {name: [kind for kind in _FORMS if next(answers)] for name in some}
    columns = []
    for name, kind in found.items():
        type_ = next(iter(possible[name]), "VARCHAR") if kind == "VARCHAR" else _wide(kind)
        type_ = "TIMESTAMPTZ" if name == dataset.event_time else type_
        columns.append(Column(name, type_, nullable=name not in own))
    return Contract(tuple(columns))


def seen(raw: Raw, contract: Contract, repairs: Repairs | None = None) -> tuple[int, dict[str, str]]:
    """The rows, and of each column in the contract's types: from where to where its values go, and how many lack."""
    with sql.session() as connection:
        register(connection, raw)
        repaired = apply(connection, repairs or Repairs())
        found = kinds(connection, repaired)
        row: list[Any] = []
        count = rows(connection)
        for columns in wide.groups(connection, contract.columns, TOGETHER):
            row += connection.execute(_figures(columns, found, repaired, count)).fetchall()[0]
    told = {name: _told(*row[4 * place : 4 * place + 4], rows=count) for place, name in enumerate(contract.names)}
    return count, told


def _figures(columns: Sequence[Column], kinds: Mapping[str, str], repaired: str, rows: int) -> str:
    names = [sql.identifier(column.name) for column in columns]
    values = "count(distinct {0})" if rows <= _EXACT else "least(approx_count_distinct({0}), count({0}))"
    figures = ", ".join(f"min({n}), max({n}), count({n}), {values.format(n)}" for n in names)
    typed = ", ".join(_typed(column, kinds[column.name]) for column in columns)
    return f"select {figures} from (select {typed} from {repaired})"


def _told(low: object, high: object, count: int, distinct: int, *, rows: int) -> str:
    lacking = f", {rows - count:,} of {rows:,} missing" if count < rows else ", none missing"
    if not count:
        return "nothing but missing values"
    about = "about " if rows > _EXACT else ""
    values = f"{_short(low)} to {_short(high)}, {about}{distinct:,} values"
    return (values if low != high else f"only {_short(low)}") + lacking


def _short(value: object) -> str:
    text = "".join(sign if sign.isprintable() else "?" for sign in " ".join(str(value).split()))
    return text if len(text) <= 24 else f"{text[:21]}..."  # noqa: PLR2004 - a column's worth


def _typed(column: Column, kind: str) -> str:
    name = sql.identifier(column.name)
    return f"{cast(present(name, kind, column.type), kind, column.type)} as {name}"


def _require(own: list[str], names: list[str], rows: int, dataset: str) -> None:
    missing = [name for name in own if name not in names]
    if missing or not rows:
        raise BatchBreach.because(
            f"missing_column({', '.join(missing)})" if missing else "no_rows",
            f"no contract of dataset '{dataset}' can be inferred: no {', '.join(missing) or 'rows'}",
            got=", ".join(names),
            allowed="a first batch with key and event time",
            step="land a whole batch first, or declare a contract",
        )


def _fits(column: str, target: str) -> str:
    """SQL: whether there are values, and all look like the type and can be cast to it."""
    value = present(column, "VARCHAR", target)
    looks = f"regexp_full_match({column}, {sql.literal(_FORMS[target])})"
    held = f" and not regexp_full_match({column}, {sql.literal(_NAMES)})" if target == "DOUBLE" else ""
    fits = f"{looks}{held} and {cast(value, 'VARCHAR', target)} is not null"
    return f"count({value}) > 0 and bool_and({value} is null or coalesce({fits}, false))"


def _wide(kind: str) -> str:
    if kind in INTEGERS:
        return "BIGINT"
    if kind in FLOATS or (kind.startswith("DECIMAL") and not kind.endswith(",0)")):
        return "DOUBLE"
    if kind.startswith("DECIMAL"):
        return "BIGINT" if int(kind[8:].partition(",")[0]) <= _DIGITS else "VARCHAR"
    if kind.startswith("TIMESTAMP"):
        return "TIMESTAMPTZ"
    return kind if kind in ("BOOLEAN", "DATE") else "VARCHAR"
