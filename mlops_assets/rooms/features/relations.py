"""What a feature table is computed over: relations, so that it also runs over a truncated past, or as of now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores.sql import identifier


@dataclass(frozen=True)
class Relations:
    """What a feature table is computed over; each is SQL after FROM.

    Attributes:
        entities: the rows to describe.
        events: counted dataset to its rows with the outcomes that aggregations count.
        joined: rows of each joined table, with `_batch`, in the order of the joins.
        at: the moment as of which all rows are described; None: each as of its own event time.
    """

    entities: str
    events: Mapping[str, str] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    at: datetime | None = None


def moment(dataset: Dataset) -> str:
    """A dataset's event time as SQL; null where it has none.

    >>> moment(Dataset(name="d", source={"files": "d.csv"}, event_time="at"))
    'cast("at" as timestamptz)'
    """
    return (
        f"cast({identifier(dataset.event_time)} as timestamptz)" if dataset.event_time else "cast(null as timestamptz)"
    )


def known_at(dataset: Dataset) -> str:
    """When a row's outcomes were known, as SQL; without outcomes, all of a row is known at its event time."""
    if dataset.outcomes is None:
        return moment(dataset)
    return f"cast({identifier(dataset.outcomes.known_at)} as timestamptz)"


def known_column(dataset: Dataset) -> str | None:
    """The column with the moment at which all of a row was known."""
    return dataset.outcomes.known_at if dataset.outcomes else dataset.event_time


def instant(at: datetime) -> str:
    """A moment as SQL.

    >>> from datetime import UTC
    >>> instant(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    'make_timestamptz(1000000::bigint)'
    """
    return f"make_timestamptz({microseconds_since_epoch(at)}::bigint)"


def microseconds_since_epoch(at: datetime) -> int:
    """A moment as DuckDB's epoch counts it.

    >>> from datetime import UTC
    >>> microseconds_since_epoch(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
