"""The online store: the newest features of each key, looked up in microseconds."""

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops_assets.errors import Conflict
from mlops_assets.stores.online_rows import OnlineRow, key_text, records, row

if TYPE_CHECKING:
    import pyarrow as pa

_SCHEMA = """
CREATE TABLE IF NOT EXISTS newest (
    tbl TEXT NOT NULL, key TEXT NOT NULL, event_time INTEGER NOT NULL, features TEXT NOT NULL, PRIMARY KEY (tbl, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (tbl TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID;
"""
_GET = "SELECT event_time, features FROM newest WHERE tbl = ? AND key = ?"
_PUT = """
INSERT INTO newest VALUES (?, ?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE
SET event_time = excluded.event_time, features = excluded.features WHERE excluded.event_time >= newest.event_time
"""


class OnlineStore(Protocol):
    """The newest features of each key."""

    def put(self, table: str, key_columns: Sequence[str], rows: "pa.Table", *, time_column: str) -> int:
        """Keep the newest row of each key; an older row never replaces a newer one. Returns the rows that were kept."""

    def refresh(
        self,
        table: str,
        key_columns: Sequence[str],
        rows: "pa.Table",
        *,
        time_column: str,
        before: str,
        mark: str,
        whole: bool = False,
    ) -> int:
        """Take these rows as they are, and the mark that says how far they go, at once; returns their number.

        Args:
            table: name.
            key_columns: those that name a row.
            rows: one a key.
            time_column: the column with each row's event time.
            before: the mark that the rows were made after; when it is another by now, nothing is written.
            mark: the new one.
            whole: the table holds these rows and no others.

        Raises:
            Conflict: somebody else refreshed meanwhile.
        """

    def mark(self, table: str) -> str:
        """How far a table was refreshed; empty when it never was."""

    def get(self, table: str, key: Sequence[Any]) -> OnlineRow | None:
        """The newest features of a key, or None."""

    def get_many(self, table: str, keys: Sequence[Sequence[Any]]) -> list[OnlineRow | None]:
        """The newest features of each key, or None, in the order asked."""

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
        given = [(table, *record) for record in records(table, key_columns, rows, time_column)]
        connection = self._connection()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            return connection.executemany(_PUT, given).rowcount if given else 0

    def refresh(
        self,
        table: str,
        key_columns: Sequence[str],
        rows: "pa.Table",
        *,
        time_column: str,
        before: str,
        mark: str,
        whole: bool = False,
    ) -> int:
        """Take these rows as they are, and the mark that says how far they go, at once; returns their number.

        Raises:
            Conflict: somebody else refreshed meanwhile.
            StoreError: a column is missing, or a value is of a type that cannot be kept.
        """
        given = [(table, *record) for record in records(table, key_columns, rows, time_column)]
        connection = self._connection()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if self.mark(table) != before:
                raise refreshed_meanwhile(table)
            if whole:
                connection.execute("DELETE FROM newest WHERE tbl = ?", (table,))
            connection.executemany("INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?)", given)
            connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (table, mark))
        return len(given)

    def mark(self, table: str) -> str:
        """How far a table was refreshed; empty when it never was."""
        found = self._connection().execute("SELECT mark FROM marks WHERE tbl = ?", (table,)).fetchone()
        return str(found[0]) if found else ""

    def get(self, table: str, key: Sequence[Any]) -> OnlineRow | None:
        """The newest features of a key, or None."""
        found = self._connection().execute(_GET, (table, key_text(list(key)))).fetchone()
        return None if found is None else row(*found)

    def get_many(self, table: str, keys: Sequence[Sequence[Any]]) -> list[OnlineRow | None]:
        """The newest features of each key, or None, in the order asked."""
        return [self.get(table, key) for key in keys]

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
            held.executescript(_SCHEMA)
            self._local.connection = held
        return held


def refreshed_meanwhile(table: str) -> Conflict:
    """The error of a refresh that came second."""
    return Conflict.of(f"online table '{table}' was refreshed by somebody else meanwhile", step="refresh it again")


def opened(url: str, path: Path) -> OnlineStore:
    """The store that is configured: Redis at a `redis://` URL, or else the embedded one in a file."""
    if not url:
        return SqliteOnline(path)
    from mlops_assets.stores.online_redis import RedisOnline

    return RedisOnline(url)
