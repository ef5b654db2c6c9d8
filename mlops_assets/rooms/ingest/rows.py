"""Rows as a database, an endpoint or a function gives them become Arrow tables, without loss and without a schema."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import LandingError

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK: Final = 50_000
_EXACT: Final = 2**53
"""Whole numbers up to which a float can stand beside them."""
_LONG: Final = 2**63


def tables(rows: Iterable[Any], what: str) -> "Iterator[pa.Table]":
    """Chunks of rows; a row is a mapping, and a list, an Arrow table or a frame stands for many.

    Raises:
        LandingError: something is no row.
    """
    import pyarrow as pa

    pending: list[Mapping[str, Any]] = []
    for item in rows:
        if isinstance(item, Mapping):
            pending.append(item)
        elif isinstance(item, list | tuple):
            pending += [_row(each, what) for each in item]
        elif hasattr(item, "__arrow_c_stream__"):
            yield pa.table(item)
        else:
            _row(item, what)
        while len(pending) >= CHUNK:
            yield _table(pending[:CHUNK])
            del pending[:CHUNK]
    if pending:
        yield _table(pending)


def table(names: Sequence[str], rows: Sequence[Sequence[Any]], what: str) -> "pa.Table":
    """Rows under the names of a cursor.

    Raises:
        LandingError: a name comes twice.
    """
    import pyarrow as pa

    doubled = sorted({name for name in names if [other.lower() for other in names].count(name.lower()) > 1})
    if doubled:
        raise LandingError.of(f"{what}: a column name is doubled", got=", ".join(doubled), allowed="each name once")
    return pa.table({name: column(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)})


def column(values: Sequence[Any]) -> "pa.Array":
    """Values in the one type that holds all of them exactly, or else as text.

    >>> column([1, None, 2.5]).to_pylist(), column([1, "x", 2**70]).to_pylist()
    ([1.0, None, 2.5], ['1', 'x', '1180591620717411303424'])
    """
    import pyarrow as pa

    kinds = set(map(type, values)) - {NoneType}
    kind = _number(kinds, values) or _other(kinds, values) or pa.string()
    makers: dict[pa.DataType, Callable[[Any], Any]] = {pa.float64(): float, pa.binary(): bytes, pa.string(): _text}
    convert = None if kinds in ({str}, {float}) else makers.get(kind)
    return pa.array([None if v is None else convert(v) for v in values] if convert else values, kind)


def _number(kinds: set[type], values: Sequence[Any]) -> "pa.DataType | None":
    """The type of whole numbers, or of floats with such whole numbers as a float holds exactly."""
    import pyarrow as pa

    if not kinds or not kinds <= {int, float}:
        return None
    wholes = [value for value in values if isinstance(value, int)]
    if kinds == {int}:
        return pa.int64() if min(wholes) >= -_LONG and max(wholes) < _LONG else None
    return pa.float64() if not wholes or (min(wholes) >= -_EXACT and max(wholes) <= _EXACT) else None


def _other(kinds: set[type], values: Sequence[Any]) -> "pa.DataType | None":
    """The type of truths, moments, days or bytes, where all the values are of one."""
    import pyarrow as pa

    if kinds == {datetime}:
        zoned = {value.tzinfo is not None for value in values if value is not None}
        return pa.timestamp("us", tz="UTC" if zoned == {True} else None) if len(zoned) == 1 else None
    if kinds and kinds <= {bytes, memoryview, bytearray}:
        return pa.binary()
    return {bool: pa.bool_(), date: pa.date32()}.get(next(iter(kinds))) if len(kinds) == 1 else None


def _table(rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({str(name): column([row.get(name) for row in rows]) for name in names})


def _row(item: Any, what: str) -> Mapping[str, Any]:
    if isinstance(item, Mapping):
        return item
    raise LandingError.of(
        f"{what}: something is no row", got=type(item).__name__, allowed="a mapping of names to values"
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value.isoformat() if isinstance(value, date) else str(value)
