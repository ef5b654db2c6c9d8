"""How a row of features is kept online: a text for its key and a text for its values, written and read the same way."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import StoreError
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

NEVER: Final = -(2**63)
"""The time of a row that has none, older than any."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Record = tuple[str, int, str]
"""Key, event time in microseconds, values."""


@dataclass(frozen=True)
class OnlineRow:
    """The newest features of one key.

    Attributes:
        values: by feature name.
        event_time: when they were so; None when the dataset has no time.
    """

    values: dict[str, Any]
    event_time: datetime | None


def records(table: str, key_columns: Sequence[str], rows: "pa.Table", time_column: str) -> list[Record]:
    """A record a row; DuckDB writes the JSON, as `key_text` and `row` read it.

    Raises:
        StoreError: a column is missing, or a value is of a type that cannot be kept.
    """
    missing = [name for name in (*key_columns, time_column) if name not in rows.column_names]
    if missing:
        raise StoreError.of(f"online table '{table}' lacks columns", got=missing, allowed=rows.column_names)
    return list(_records(key_columns, rows, time_column))


def row(micros: int, values: str) -> OnlineRow:
    """What a record holds."""
    return OnlineRow(json.loads(values, object_hook=_decoded), _time(micros))


def _records(key_columns: Sequence[str], rows: "pa.Table", time_column: str) -> Iterator[Record]:
    import pyarrow as pa

    names = [name for name in rows.column_names if name not in (*key_columns, time_column)]
    kept = {name: _kept(name, rows.column(name)) for name in (*key_columns, *names)}
    key = " || ',' || ".join(f"coalesce(to_json({sql.identifier(name)})::varchar, 'null')" for name in key_columns)
    fields = ", ".join(f"{sql.identifier(name)} := {sql.identifier(name)}" for name in names)
    features = f"to_json(struct_pack({fields}))::varchar" if names else "'{}'"
    with sql.session() as connection:
        connection.register("kept", pa.table(kept))
        found = connection.execute(f"select '[' || {key} || ']', {features} from kept").fetchall()
    for (text, values), time in zip(found, rows.column(time_column).to_pylist(), strict=True):
        yield text, _micros(time), values


def _kept(name: str, column: "pa.ChunkedArray") -> "pa.ChunkedArray | pa.Array":
    """A column that JSON can hold: times and dates become what `_decoded` reads."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_timestamp(kind) or types.is_date(kind):
        return pa.array([None if value is None else _encoded(value) for value in column.to_pylist()])
    item = kind.value_type if types.is_list(kind) else kind
    plain = (types.is_boolean, types.is_integer, types.is_floating, types.is_string, types.is_large_string)
    if not any(is_kind(item) for is_kind in (*plain, types.is_null)):
        raise StoreError.of(f"column '{name}' is of a type that the online store cannot keep", got=str(kind))
    return column


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$time": _utc(value).isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    raise StoreError.of("a value that the online store cannot keep", got=f"{type(value).__name__} {value!r}")


def _decoded(value: dict[str, Any]) -> Any:
    if value.keys() == {"$time"}:
        return datetime.fromisoformat(value["$time"])
    return date.fromisoformat(value["$date"]) if value.keys() == {"$date"} else value


def _micros(time: datetime | None) -> int:
    if time is None:
        return NEVER
    passed = _utc(time) - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _time(micros: int) -> datetime | None:
    return None if micros == NEVER else _EPOCH + timedelta(microseconds=micros)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


key_text = json.JSONEncoder(default=_encoded, separators=(",", ":"), ensure_ascii=False).encode
"""The text of a key, given as a list."""
