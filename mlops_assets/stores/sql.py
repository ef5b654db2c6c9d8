"""How the stores speak SQL: a DuckDB connection of one's own in UTC, and names and texts that are always quoted."""

import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    import duckdb


def connect(memory: str = "") -> "duckdb.DuckDBPyConnection":
    """A fresh in-memory database in UTC that never asks the network for an extension.

    Args:
        memory: the limit, such as 1GB, above which it spills to the system's folder for temporary files; its tables
            may be larger. Left out: DuckDB's own limit.
    """
    import duckdb

    bounds = {"memory_limit": memory} if memory else {}
    spill = {"temp_directory": str(Path(tempfile.gettempdir()) / f"mlops-spill-{uuid4().hex}")}
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", **spill, **bounds})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    return connection


def session() -> "duckdb.DuckDBPyConnection":
    """A session of the process's one database, 60 times cheaper to open.

    For queries that create nothing but what is temporary, which goes with the session, and change no setting.
    """
    opened = _shared(os.getpid()).cursor()
    opened.execute("SET TimeZone = 'UTC'")
    return opened


@cache
def _shared(_: int) -> "duckdb.DuckDBPyConnection":
    """The database of a process: a forked child must not touch its parent's, whose threads it lacks."""
    return connect()


def identifier(name: str) -> str:
    """A name, quoted.

    >>> print(identifier('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def identifiers(names: Iterable[str]) -> str:
    """Names, quoted and separated by commas.

    >>> identifiers(["a", "b"])
    '"a", "b"'
    """
    return ", ".join(identifier(name) for name in names)


def literal(text: str) -> str:
    """A text, quoted.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
