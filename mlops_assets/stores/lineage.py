"""Lineage: snapshots, verdicts, releases and demands in one chain of records that only grows, and what they name."""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from mlops_assets.errors import Damaged, NotFound, StoreError

_GENESIS = "0" * 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
    once TEXT UNIQUE, previous TEXT NOT NULL, digest TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_subject ON records (kind, subject, sequence);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON records
BEGIN SELECT raise(ABORT, 'lineage is append-only'); END;
CREATE TRIGGER IF NOT EXISTS never_deleted BEFORE DELETE ON records
BEGIN SELECT raise(ABORT, 'lineage is append-only'); END;
CREATE TABLE IF NOT EXISTS contents (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS content_never_changed BEFORE UPDATE ON contents
BEGIN SELECT raise(ABORT, 'lineage is append-only'); END;
CREATE TRIGGER IF NOT EXISTS content_never_deleted BEFORE DELETE ON contents
BEGIN SELECT raise(ABORT, 'lineage is append-only'); END;
"""
_COLUMNS = "sequence, kind, subject, at, body, once, previous, digest"


@dataclass(frozen=True)
class Record:
    """One thing that happened.

    Attributes:
        sequence: 1 for the first; without gaps.
        kind: such as snapshot, verdict, release, demand, retrain_request.
        subject: whom it concerns, such as a model's name.
        at: when it was written, ISO in UTC.
        body: what is to be known.
        previous: the digest of the record before.
        digest: of all of this.
    """

    sequence: int
    kind: str
    subject: str
    at: str
    body: Mapping[str, Any]
    previous: str
    digest: str


class Lineage(Protocol):
    """An append-only chain of records, and the contents that they name by digest."""

    def append(self, kind: str, subject: str, body: Mapping[str, Any], *, once: str = "") -> Record:
        """Add a record; with a `once` key that is there already, return that record instead."""

    def records(self, kind: str | None = None, subject: str | None = None) -> list[Record]:
        """The records, oldest first, of a kind and a subject when given."""

    def latest(self, kind: str, subject: str) -> Record | None:
        """The newest record of a kind and subject, or None."""

    def verify(self) -> None:
        """Raise Damaged when a record was changed, removed or put between."""

    def keep(self, content: bytes) -> str:
        """Keep a content, such as a patch or a lock; its SHA-256."""

    def content(self, digest: str) -> bytes:
        """A content by its SHA-256, checked."""


class SqliteLineage:
    """The chain in one SQLite file; the database itself refuses updates and deletions."""

    def __init__(self, path: Path) -> None:
        """Remember the file; it is made when it is first used."""
        self.path = path

    def append(self, kind: str, subject: str, body: Mapping[str, Any], *, once: str = "") -> Record:
        """Add a record; with a `once` key that is there already, return that record instead.

        Raises:
            StoreError: the body is no JSON.
        """
        text = _canonical(body)
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            known = connection.execute(f"SELECT {_COLUMNS} FROM records WHERE once = ?", (once or None,)).fetchone()
            if known:
                return _record(known)
            last = connection.execute("SELECT sequence, digest FROM records ORDER BY sequence DESC LIMIT 1").fetchone()
            sequence, previous = (last[0] + 1, last[1]) if last else (1, _GENESIS)
            row = (sequence, kind, subject, datetime.now(UTC).isoformat(), text, once or None, previous)
            whole = (*row, _digest(row))
            connection.execute(f"INSERT INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", whole)
            return _record(whole)

    def records(self, kind: str | None = None, subject: str | None = None) -> list[Record]:
        """The records, oldest first, of a kind and a subject when given."""
        asked = {"kind": kind, "subject": subject}
        given = {name: value for name, value in asked.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in given) or "true"
        query = f"SELECT {_COLUMNS} FROM records WHERE {where} ORDER BY sequence"
        with self._connection() as connection:
            return [_record(row) for row in connection.execute(query, tuple(given.values()))]

    def latest(self, kind: str, subject: str) -> Record | None:
        """The newest record of a kind and subject, or None."""
        query = f"SELECT {_COLUMNS} FROM records WHERE kind = ? AND subject = ? ORDER BY sequence DESC LIMIT 1"
        with self._connection() as connection:
            found = connection.execute(query, (kind, subject)).fetchone()
        return _record(found) if found else None

    def verify(self) -> None:
        """Raise Damaged when a record was changed, removed or put between.

        What the chain alone cannot show is that its newest records were cut off.
        """
        with self._connection() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM records ORDER BY sequence").fetchall()
        previous = _GENESIS
        for expected, row in enumerate(rows, start=1):
            if row[0] != expected or row[6] != previous or row[7] != _digest(row[:7]):
                raise Damaged.of(f"lineage {self.path} is broken", got=f"record {row[0]}", allowed=f"record {expected}")
            previous = row[7]

    def keep(self, content: bytes) -> str:
        """Keep a content, such as a patch or a lock; its SHA-256. The same content is kept once."""
        digest = hashlib.sha256(content).hexdigest()
        with self._connection() as connection:
            known = connection.execute("SELECT 1 FROM contents WHERE digest = ?", (digest,)).fetchone()
            if not known:
                packed = zlib.compress(content)
                connection.execute("INSERT OR IGNORE INTO contents (digest, content) VALUES (?, ?)", (digest, packed))
        return digest

    def content(self, digest: str) -> bytes:
        """A content by its SHA-256, checked.

        Raises:
            NotFound: it was never kept.
            Damaged: it is not what its digest says.
        """
        with self._connection() as connection:
            found = connection.execute("SELECT content FROM contents WHERE digest = ?", (digest,)).fetchone()
        if found is None:
            raise NotFound.of(f"lineage {self.path} holds no such content", got=digest)
        return _unpacked(found[0], digest)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
            with connection:
                yield connection
        finally:
            connection.close()


def _canonical(body: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise StoreError.of(f"the body of a record must be JSON: {problem}", got=body) from problem


def _digest(row: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).hexdigest()


def _unpacked(packed: bytes, digest: str) -> bytes:
    try:
        content = zlib.decompress(packed)
    except zlib.error as problem:
        raise Damaged.of("a content of the lineage was changed", got=str(problem), allowed=digest) from problem
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise Damaged.of("a content of the lineage was changed", got=found, allowed=digest)
    return content


def _record(row: tuple[Any, ...]) -> Record:
    sequence, kind, subject, at, body, _, previous, digest = row
    return Record(sequence, kind, subject, at, json.loads(body), previous, digest)
