"""Dagster's SQLite storage with its databases held open: for the one process that runs a home by itself.

Dagster opens a database for each event and statement, compiles its SQL anew each time, and the last to close a
database writes its journal back. Held open, the same statements go to the same files at a fraction of the cost; other
processes may read and write beside it as ever.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

SHARDS: Final = 4
"""Databases of events that stay open: the index and the latest runs."""


class HeldRuns(SqliteRunStorage):
    """The runs, in one database held open."""

    _engine: "Engine | None" = None

    @contextmanager
    def connect(self) -> Iterator["Connection"]:
        """A transaction on a held connection."""
        if self._engine is None:
            self._engine = _held(self._conn_string)
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close the database."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


class HeldEvents(SqliteEventLogStorage):
    """The events, a database a run and one of all: those in use are held open."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        """Nothing is held yet."""
        self._engines: dict[str, Engine] = {}
        self._empty = b""
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator["Connection"]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> "Engine":
        """The engine of a database; the one used least recently is let go."""
        engine = self._engines.pop(shard, None) or _held(self.conn_string_for_shard(shard))
        self._engines[shard] = engine
        if shard not in self._initialized_dbs:
            self._made(Path(self.path_for_shard(shard)), engine)
            self._initialized_dbs.add(shard)
        while len(self._engines) > SHARDS:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def _made(self, file: Path, engine: "Engine") -> None:
        """See to a database's schema: of a run's that is new, by copying the first one when it was empty."""
        if self._empty and not file.exists():
            unfinished = file.with_suffix(".tmp")
            unfinished.write_bytes(self._empty)
            unfinished.replace(file)
            return
        new = not file.exists()
        self._initdb(engine)
        if new:
            with closing(sqlite3.connect(file)) as connection:
                self._empty = connection.serialize()

    def dispose(self) -> None:
        """Close the databases."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


class HeldStorage(DagsterSqliteStorage):
    """Runs and events held open; schedules as ever."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        """Open a home's storage; its files are Dagster's own."""
        super().__init__(base_dir, inst_data)
        history = Path(base_dir) / "history"
        self._run_storage = HeldRuns.from_local(str(history))
        self._event_log_storage = HeldEvents(str(history / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:
        """As Dagster opens what its configuration names."""
        return cls.from_local(inst_data=inst_data, **config_value)


def _held(url: str) -> "Engine":
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _write_ahead)
    return engine


def _write_ahead(connection: Any, _: object) -> None:
    """Whatever a killed process has committed stays; only a computer that loses its power may lose the last of it."""
    connection.execute("PRAGMA synchronous = NORMAL")
