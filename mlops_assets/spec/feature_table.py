"""A FeatureTable: features over datasets, shared by any number of models."""

from typing import Literal

from pydantic import model_validator

from mlops_assets.spec.base import Column, Duration, Name, Spec, Sql


class Join(Spec):
    """Columns of another dataset: its newest row as of the event time, or the key's row where it has no event time."""

    dataset: Name
    on: tuple[Column, ...]
    """Columns that both sides share."""
    columns: dict[Name, Sql]
    """Feature name to SQL expression over the joined dataset's columns."""
    ttl: Duration | None = None
    """A value older than this is no value."""


class Aggregation(Spec):
    """A statistic over the outcomes that were known strictly before the row's event time."""

    name: Name
    """Feature name; one a window, as name_7d."""
    stat: Literal["mean", "count", "sum"] = "mean"
    of: Sql
    """SQL expression over the dataset's columns; rows where it is null do not count."""
    by: tuple[Column, ...]
    """The group that shares the statistic."""
    over: tuple[Duration, ...]
    """The windows back from the event time."""


class FeatureTable(Spec):
    """Features over datasets: one row an entity row of `dataset`, correct as of its event time."""

    name: Name
    dataset: Name
    """The dataset whose rows are described; key and event time are its own."""
    columns: dict[Name, Sql]
    """Feature name to SQL expression over columns of the dataset that are known at the event time."""
    joins: tuple[Join, ...] = ()
    aggregations: tuple[Aggregation, ...] = ()
    description: str = ""
    owners: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "FeatureTable":
        seen: set[str] = set()
        for name in self.feature_names():
            if name in seen:
                raise ValueError(f"feature {name!r} is declared twice in feature table {self.name!r}")
            seen.add(name)
        if not seen:
            raise ValueError("a feature table needs a feature: give columns, joins or aggregations")
        return self

    def feature_names(self) -> list[str]:
        """Every feature's name, in the order of the table's columns."""
        joined = [name for join in self.joins for name in join.columns]
        windows = [window_name(a, w) for a in self.aggregations for w in a.over]
        return [*self.columns, *joined, *windows]

    def datasets(self) -> list[str]:
        """The dataset described, then the joined ones."""
        return [self.dataset, *(join.dataset for join in self.joins)]


def window_name(aggregation: Aggregation, window: Duration) -> str:
    """The feature's name for one window of an aggregation.

    >>> from datetime import timedelta
    >>> a = Aggregation(name="late_by_carrier", of="late", by=("carrier",), over=(timedelta(days=7),))
    >>> window_name(a, a.over[0])
    'late_by_carrier_7d'
    """
    minutes = int(window.total_seconds() // 60)
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{aggregation.name}_{minutes // size}{unit}"
    return f"{aggregation.name}_{minutes}m"
