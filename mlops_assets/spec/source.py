"""A Source: where a dataset's batches come from; whatever it is, what arrives lands as files."""

from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, model_validator

from mlops_assets.spec.base import Column, Duration, Reference, Spec, Sql

KINDS: Final = ("files", "table", "query", "delta", "rest", "dlt", "stream")


class Source(Spec):
    """Where batches come from: one of files, table, query, delta, rest, dlt and stream."""

    files: str | None = None
    """A glob, relative to the platform's home; one file is one batch, named by its stem."""
    database: SecretStr | None = None
    """SQLAlchemy's URL of the database of `table` or `query`; its password as {{ env.NAME }}."""
    table: str | None = None
    """A table of the database, or schema.table."""
    query: Sql | None = None
    """A query of the database."""
    delta: str | None = None
    """The folder of a Delta table, relative to the platform's home."""
    rest: str | None = None
    """The URL of a REST endpoint, read page by page through dlt."""
    token: SecretStr | None = None
    """The bearer token of `rest`, as {{ env.NAME }}."""
    items: str | None = None
    """Where in a page of `rest` its rows are, as a JSON path; left out: found."""
    since: str | None = None
    """The parameter of `rest` that takes the cursor from which rows are wanted."""
    dlt: Reference | None = None
    """A function as module:name, beside this file, that gives a dlt resource or any rows; it may take `since`."""
    stream: Literal[True] | None = None
    """Rows are posted to the platform: JSON lines to /ingest/<dataset>."""
    cursor: Column | None = None
    """The column by which new rows are told; left out: all rows are pulled, as one batch that is replaced."""
    overlap: Annotated[int, Field(ge=0)] | Duration = 0
    """How far below the newest cursor to look again for late rows, in the cursor's own unit, or as a duration."""
    numbered: Column | None = None
    """A column to add that names each row by its batch and its place in it: the key of rows that have none."""
    every: Duration = timedelta(hours=1)
    """How often rows are pulled; the age at which a stream's batch is cut."""
    rows: Annotated[int, Field(ge=1)] = 100_000
    """The size at which a stream's batch is cut."""

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "Source":
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"a source is one of {', '.join(KINDS)}; given: {', '.join(given) or 'none of them'}")
        self._needs("database", self.kind in ("table", "query"))
        for name in ("token", "items", "since"):
            self._belongs(name, "rest", self.kind == "rest")
        self._belongs("cursor", "what is pulled", self.pulled)
        if self.overlap and not self.cursor:
            raise ValueError("overlap needs cursor: name the column by which new rows are told")
        return self

    def _needs(self, name: str, needed: bool) -> None:
        if (getattr(self, name) is not None) != needed:
            raise ValueError(f"{self.kind} needs {name}" if needed else f"{name} does not go with {self.kind}")

    def _belongs(self, name: str, to: str, fits: bool) -> None:
        if getattr(self, name) is not None and not fits:
            raise ValueError(f"{name} goes with {to}, not with {self.kind}")

    @property
    def kind(self) -> str:
        """Which of the kinds it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def pulled(self) -> bool:
        """Whether the platform fetches the rows, instead of waiting for files or posts."""
        return self.kind not in ("files", "stream")

    def landing(self, dataset: str) -> str:
        """The glob of the files that have landed; what is pulled or posted lands as files too."""
        return self.files or f"data/landing/{dataset}/*"
