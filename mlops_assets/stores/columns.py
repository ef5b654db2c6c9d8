"""What a column of the lake may hold: every Arrow type is brought to the one that Delta keeps, or refused."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlops_assets.errors import StoreError
from mlops_assets.stores.lake import BATCH

if TYPE_CHECKING:
    import pyarrow as pa


def storable(data: "pa.Table") -> "pa.Table":
    """The same rows in the types that the lake keeps.

    Raises:
        StoreError: a type has no home in Delta, a name comes twice, or there are no columns.
    """
    _check_names(data.column_names)
    return plain(data)


def plain(data: "pa.Table") -> "pa.Table":
    """The same rows with every type brought to the one kept; names are not looked at."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for field, column in zip(data.schema, data.columns, strict=True):
        kind = _kept(field.type, field.name)
        lossy = pa.types.is_timestamp(kind)
        columns.append(column if column.type == kind else pc.cast(column, kind, safe=not lossy))
    return pa.table(columns, names=data.column_names)


def fitted(data: "pa.Table", schema: "pa.Schema", table: str) -> "pa.Table":
    """The rows under a table's schema: what they lack is null, what they add comes last.

    Raises:
        StoreError: a column has another type than the table's.
    """
    import pyarrow as pa

    columns = {}
    for field in schema:
        if field.name not in data.column_names:
            columns[field.name] = pa.nulls(data.num_rows, field.type)
            continue
        given = data.column(field.name)
        if given.type != field.type:
            raise StoreError.of(
                f"column '{field.name}' does not fit table '{table}'",
                got=given.type,
                allowed=field.type,
                step="cast the column, or write a table of another name",
            )
        columns[field.name] = given
    added = {name: data.column(name) for name in data.column_names if name not in columns}
    return pa.table(columns | added)


def _check_names(names: list[str]) -> None:
    if not names:
        raise StoreError.of("a table without columns cannot be kept")
    if BATCH in names:
        raise StoreError.of(f"column '{BATCH}' is the lake's own", step="leave it out of the data")
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            raise StoreError.of("two columns share a name, case set aside", got=f"'{other}' and '{name}'")


def _kept(kind: "pa.DataType", name: str) -> "pa.DataType":
    import pyarrow as pa

    is_ = pa.types
    if is_.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    if is_.is_dictionary(kind):
        return _kept(kind.value_type, name)
    for tests, home in _homes():
        if any(test(kind) for test in tests):
            return home
    return _kept_nested(kind, name)


def _homes() -> list[tuple[list[Callable[["pa.DataType"], bool]], "pa.DataType"]]:
    """Types that are kept as another: Delta has no unsigned numbers, and no times of day."""
    import pyarrow as pa

    is_ = pa.types
    return [
        ([is_.is_null, is_.is_large_string, is_.is_string_view, is_.is_time], pa.string()),
        ([is_.is_large_binary, is_.is_binary_view, is_.is_fixed_size_binary], pa.binary()),
        ([is_.is_date], pa.date32()),
        ([is_.is_uint8], pa.int16()),
        ([is_.is_uint16], pa.int32()),
        ([is_.is_uint32], pa.int64()),
        ([is_.is_uint64], pa.decimal128(20, 0)),
        ([is_.is_float16], pa.float32()),
    ]


def _kept_nested(kind: "pa.DataType", name: str) -> "pa.DataType":
    import pyarrow as pa

    is_ = pa.types
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        return pa.list_(_kept(kind.value_type, name))
    if is_.is_struct(kind):
        return pa.struct([(field.name, _kept(field.type, name)) for field in kind])
    if is_.is_map(kind):
        return pa.map_(_kept(kind.key_type, name), _kept(kind.item_type, name))
    tests = is_.is_string, is_.is_integer, is_.is_floating, is_.is_boolean, is_.is_binary, is_.is_decimal128
    if not any(test(kind) for test in tests):
        raise StoreError.of(f"column '{name}' has a type that the lake cannot keep", got=kind, step="cast it to text")
    return kind
