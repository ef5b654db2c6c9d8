"""The embedded online store: one SQLite file, with a connection a thread."""

import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from mlops_assets.stores.online_kept import KeptOnline
from mlops_assets.stores.online_rows import Record

_SCHEMA = """
CREATE TABLE IF NOT EXISTS newest (
    tbl TEXT NOT NULL, key TEXT NOT NULL, event_time INTEGER NOT NULL, features TEXT NOT NULL, PRIMARY KEY (tbl, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (tbl TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID;
"""
_GET = """
SELECT key, event_time, features FROM newest WHERE tbl = ? AND key IN (SELECT value FROM json_each(?))
"""
_PUT = """
INSERT INTO newest VALUES (?, ?, ?, ?) ON CONFLICT (tbl, key) DO UPDATE
SET event_time = excluded.event_time, features = excluded.features WHERE excluded.event_time >= newest.event_time
"""


class SqliteOnline(KeptOnline):
    """The online store in one SQLite file, with a connection a thread."""

    def __init__(self, path: Path) -> None:
        """Remember the file; it is made when it is first used."""
        self.path = path
        self._local = threading.local()

    def mark(self, table: str) -> str:
        """How far a table was refreshed; empty when it never was."""
        found = self._connection().execute("SELECT mark FROM marks WHERE tbl = ?", (table,)).fetchone()
        return str(found[0]) if found else ""

    def count(self, table: str) -> int:
        """How many keys there are."""
        found = self._connection().execute("SELECT count(*) FROM newest WHERE tbl = ?", (table,)).fetchone()
        return int(found[0])

    def _put(self, table: str, given: Sequence[Record]) -> int:
        connection = self._connection()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            return connection.executemany(_PUT, [(table, *record) for record in given]).rowcount

    def _refresh(self, table: str, given: Sequence[Record], *, before: str, mark: str, whole: bool) -> bool:
        connection = self._connection()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if self.mark(table) != before:
                return False
            if whole:
                connection.execute("DELETE FROM newest WHERE tbl = ?", (table,))
            rows = [(table, *record) for record in given]
            connection.executemany("INSERT OR REPLACE INTO newest VALUES (?, ?, ?, ?)", rows)
            connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (table, mark))
        return True

    def _held(self, table: str, keys: Sequence[str]) -> list[tuple[int, str] | None]:
        found = self._connection().execute(_GET, (table, json.dumps(list(keys))))
        held: dict[str, tuple[int, str]] = {key: (time, features) for key, time, features in found}
        return [held.get(key) for key in keys]

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
