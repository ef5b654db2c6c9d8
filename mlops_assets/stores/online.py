"""The online store: the newest features of each key, looked up in microseconds."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops_assets.errors import StoreError
from mlops_assets.stores import sql

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = -(2**63)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS newest (
    tbl TEXT NOT NULL, key TEXT NOT NULL, event_time INTEGER NOT NULL, features TEXT NOT NULL, PRIMARY KEY (tbl, key)
) WITHOUT ROWID
"""
_PUT = """
INSERT INTO newest VALUES (?, ?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE
SET event_time = excluded.event_time, features = excluded.features WHERE excluded.event_time >= newest.event_time
"""


@dataclass(frozen=True)
class OnlineRow:
    """The newest features of one key.

    Attributes:
        values: by feature name.
        event_time: when they were so; None when the dataset has no time.
    """

    values: dict[str, Any]
    event_time: datetime | None


class OnlineStore(Protocol):
    """The newest features of each key."""

    def put(self, table: str, key_columns: Sequence[str], rows: "pa.Table", *, time_column: str) -> int:
        """Keep the newest row of each key; an older row never replaces a newer one. Returns the rows that were kept."""

    def get(self, table: str, key: Sequence[Any]) -> OnlineRow | None:
        """The newest features of a key, or None."""

    def count(self, table: str) -> int:
        """How many keys there are."""


class SqliteOnline:
    """The online store in one SQLite file, with a connection a thread."""

    def __init__(self, path: Path) -> None:
        """Remember the file; it is made when it is first used."""
        self.path = path
        self._local = threading.local()

    def put(self, table: str, key_columns: Sequence[str], rows: "pa.Table", *, time_column: str) -> int:
        """Keep the newest row of each key; an older row never replaces a newer one. Returns the rows that were kept.

        Raises:
            StoreError: a column is missing, or a value is of a type that cannot be kept.
        """
        missing = [name for name in (*key_columns, time_column) if name not in rows.column_names]
        if missing:
            raise StoreError.of(f"online table '{table}' lacks columns", got=missing, allowed=rows.column_names)
        connection = self._connection()
        records = list(_records(table, key_columns, rows, time_column))
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            return connection.executemany(_PUT, records).rowcount if records else 0

    def get(self, table: str, key: Sequence[Any]) -> OnlineRow | None:
        """The newest features of a key, or None."""
        query = "SELECT event_time, features FROM newest WHERE tbl = ? AND key = ?"
        found = self._connection().execute(query, (table, _text(list(key)))).fetchone()
        if found is None:
            return None
        return OnlineRow(json.loads(found[1], object_hook=_decoded), _time(found[0]))

    def count(self, table: str) -> int:
        """How many keys there are."""
        found = self._connection().execute("SELECT count(*) FROM newest WHERE tbl = ?", (table,)).fetchone()
        return int(found[0])

    def _connection(self) -> sqlite3.Connection:
        held: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if held is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            held = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            held.execute("PRAGMA journal_mode = WAL")
            held.execute("PRAGMA synchronous = NORMAL")
            held.execute(_SCHEMA)
            self._local.connection = held
        return held


def _records(
    table: str, key_columns: Sequence[str], rows: "pa.Table", time_column: str
) -> Iterator[tuple[str, str, int, str]]:
    """A record a row; DuckDB writes the JSON, as `get` and `_text` read and write it."""
    names = [name for name in rows.column_names if name not in (*key_columns, time_column)]
    kept = {name: _kept(name, rows.column(name)) for name in (*key_columns, *names)}
    key = " || ',' || ".join(f"coalesce(to_json({sql.identifier(name)})::varchar, 'null')" for name in key_columns)
    fields = ", ".join(f"{sql.identifier(name)} := {sql.identifier(name)}" for name in names)
    features = f"to_json(struct_pack({fields}))::varchar" if names else "'{}'"
    import pyarrow as pa

    with sql.session() as connection:
        connection.register("kept", pa.table(kept))
        found = connection.execute(f"select '[' || {key} || ']', {features} from kept").fetchall()
    for (text, values), time in zip(found, rows.column(time_column).to_pylist(), strict=True):
        yield table, text, _micros(time), values


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
        return _NEVER
    passed = _utc(time) - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _time(micros: int) -> datetime | None:
    return None if micros == _NEVER else _EPOCH + timedelta(microseconds=micros)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


_text = json.JSONEncoder(default=_encoded, separators=(",", ":"), ensure_ascii=False).encode
