"""Tables that features stumble over: extremes, nothing at all, and what no training has seen."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa

NOT_FINITE: Final = ("inf", "nan")
"""The cases with values that no clean table holds: features must not fail on them, and may pass them on."""
_LONG: Final = 10_000
_SPRING = datetime(2013, 3, 10, 6, 59, 59, tzinfo=UTC)
_AUTUMN = datetime(2013, 11, 3, 5, 30, tzinfo=UTC)
MOMENTS: Final = (
    *(_SPRING + timedelta(seconds=second) for second in (0, 1, 3_600)),
    *(_AUTUMN + timedelta(hours=hour) for hour in (0, 1, 2)),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
)
"""The clock goes forward and back in New York, time begins, and a leap day ends."""
TEXTS: Final = ("no such category", "", " ", "ÄÖ 漢字", 'it\'s "quoted"', "x" * _LONG)


def cases(schema: "pa.Schema") -> "dict[str, pa.Table]":
    """A table a case, of that schema: by name, from `zero` to `time-zone change`.

    Args:
        schema: of the rows that features are made of, such as a clean table's.

    >>> import pyarrow as pa
    >>> found = cases(pa.schema([("dist", pa.int32()), ("o", pa.string())]))
    >>> found["huge"]["dist"].to_pylist()[:2], found["one row"].num_rows, found["empty"].num_rows
    ([2147483647, -2147483648], 1, 0)
    """
    return {name: _table(schema, values) for name, values in _VALUES.items()} | {
        "empty": schema.empty_table(),
        "null": _table(schema, lambda _: [None, None]),
    }


def usual(kind: "pa.DataType") -> list[Any]:
    """A few unsuspicious values of a type."""
    import pyarrow as pa

    is_ = pa.types
    if is_.is_boolean(kind):
        return [True, False, True]
    if is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind):
        return [1, 2, 3]
    if is_.is_timestamp(kind):
        return [datetime(2013, 6, day, 12, 30, tzinfo=UTC if kind.tz else None) for day in (1, 2, 3)]
    if is_.is_date(kind):
        return [date(2013, 6, day) for day in (1, 2, 3)]
    return ["a", "b", "c"] if is_.is_string(kind) or is_.is_large_string(kind) else [None, None, None]


def _numbers(whole: Callable[["pa.DataType"], list[int]], real: list[float]) -> Callable[["pa.DataType"], list[Any]]:
    """Of a number's type these values, and of any other its usual ones."""

    def values(kind: "pa.DataType") -> list[Any]:
        import pyarrow as pa

        if pa.types.is_integer(kind):
            return list(whole(kind))
        return list(real) if pa.types.is_floating(kind) else usual(kind)

    return values


def _bounds(kind: "pa.DataType") -> list[int]:
    import pyarrow as pa

    bits = kind.bit_width
    return [2 ** (bits - 1) - 1, -(2 ** (bits - 1))] if pa.types.is_signed_integer(kind) else [2**bits - 1, 0]


def _times(kind: "pa.DataType") -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return [moment if kind.tz else moment.replace(tzinfo=None) for moment in MOMENTS]
    return [moment.date() for moment in MOMENTS] if pa.types.is_date(kind) else usual(kind)


def _texts(kind: "pa.DataType") -> list[Any]:
    import pyarrow as pa

    return list(TEXTS) if pa.types.is_string(kind) or pa.types.is_large_string(kind) else usual(kind)


_VALUES: dict[str, Callable[["pa.DataType"], list[Any]]] = {
    "zero": _numbers(lambda _: [0], [0.0, -0.0]),
    "tiny": _numbers(lambda _: [0, 1], [5e-324, -5e-324, 1e-300]),
    "huge": _numbers(_bounds, [1e300, -1e300]),
    "inf": _numbers(lambda _: [1], [float("inf"), float("-inf")]),
    "nan": _numbers(lambda _: [1], [float("nan")]),
    "division by zero": _numbers(lambda _: [1, 0, -1], [1.0, 0.0, -1.0]),
    "one row": lambda kind: usual(kind)[:1],
    "constant column": lambda kind: usual(kind)[:1] * 5,
    "unknown category": _texts,
    "time-zone change": _times,
    "usual": usual,
}


def _table(schema: "pa.Schema", values: Callable[["pa.DataType"], list[Any]]) -> "pa.Table":
    """Each column's values beside the others'; a shorter one begins again, each at another place."""
    import pyarrow as pa

    given = [values(field.type) for field in schema]
    rows = max((len(column) for column in given), default=0)
    turned = [[column[(row + turn) % len(column)] for row in range(rows)] for turn, column in enumerate(given)]
    return pa.table([pa.array(column, field.type) for column, field in zip(turned, schema, strict=True)], schema=schema)
