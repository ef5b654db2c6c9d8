"""A table or query of a database, through SQLAlchemy: read in chunks, and nothing secret is ever in an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import LandingError, UnknownName
from mlops_assets.rooms.ingest import rows
from mlops_assets.spec.source import Source

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Executable
    from sqlalchemy.engine import URL


def read(source: Source, home: Path, since: Any, what: str) -> "Iterator[pa.Table]":
    """The rows from a cursor on, those without one among them; all rows where there is no cursor.

    Args:
        source: with database, and table or query.
        home: where a relative path of SQLite starts.
        since: the cursor's least value; None: from the beginning.
        what: whom an error names.

    Raises:
        LandingError: the database cannot be reached or read.
        UnknownName: it has no such table or cursor.
    """
    secret = source.database.get_secret_value() if source.database else ""
    with _connected(secret, home, what) as connection:
        found = connection.execution_options(yield_per=rows.CHUNK).execute(_statement(connection, source, since, what))
        names = [str(name) for name in found.keys()]  # noqa: SIM118 - a result, not a dictionary
        for chunk in found.partitions(rows.CHUNK):
            yield rows.table(names, [tuple(row) for row in chunk], what)


def _statement(connection: "Connection", source: Source, since: Any, what: str) -> "Executable":
    import sqlalchemy as sa

    if source.table:
        table = _table(connection, source.table, what)
        selected, cursors = sa.select(table), {column.name: column for column in table.columns}
    else:
        # A colon or a percent sign of the user's own is none of a parameter.
        query = sa.text((source.query or "").rstrip().rstrip(";").replace(":", r"\:"))
        selected = sa.select(sa.text("*")).select_from(sa.text(f"({query}) as arriving"))
        cursors = {source.cursor: sa.column(source.cursor)} if source.cursor else {}
    if source.cursor is None:
        return selected
    if source.cursor not in cursors:
        raise UnknownName.among(f"cursor of {what}", source.cursor, cursors)
    cursor = cursors[source.cursor]
    if since is not None:
        selected = selected.where(sa.or_(cursor >= sa.literal(since, getattr(cursor, "type", None)), cursor.is_(None)))
    return selected


def _table(connection: "Connection", name: str, what: str) -> Any:
    import sqlalchemy as sa

    schema, _, bare = name.rpartition(".")
    try:
        return sa.Table(bare, sa.MetaData(), schema=schema or None, autoload_with=connection)
    except sa.exc.NoSuchTableError:
        known = sa.inspect(connection).get_table_names(schema or None)
        raise UnknownName.among(f"table of {what}", name, known) from None


@contextmanager
def _connected(secret: str, home: Path, what: str) -> "Iterator[Connection]":
    import sqlalchemy as sa

    try:
        engine = sa.create_engine(_url(secret, home), poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            yield connection
    except (sa.exc.SQLAlchemyError, ImportError, OverflowError, ValueError) as error:
        if isinstance(error, LandingError | UnknownName):
            raise
        # `from None`: the chain would show the address, with its password.
        said = _hidden(str(getattr(error, "orig", None) or error), secret)
        raise LandingError.of(
            f"{what}: the database cannot be read: {said}", step="mend the source, or reach it"
        ) from None


def _url(secret: str, home: Path) -> "URL":
    """SQLite is opened read-only, so that nothing is made where there is none; its path starts at home."""
    import sqlalchemy as sa

    url = sa.make_url(secret)
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith("file:"):
        return url
    return sa.make_url(f"sqlite:///file:{home / url.database}").update_query_dict({"mode": "ro", "uri": "true"})


def _hidden(said: str, secret: str) -> str:
    """What the driver says, without the address and the password."""
    import sqlalchemy as sa

    try:
        password = sa.make_url(secret).password
    except sa.exc.ArgumentError:
        password = None
    for word in filter(None, (secret, str(password or ""))):
        said = said.replace(word, "***")
    return " ".join(said.split())[:300]
