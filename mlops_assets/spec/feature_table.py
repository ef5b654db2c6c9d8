"""A FeatureTable: features over datasets, shared by any number of models."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from mlops_assets import keys
from mlops_assets.spec.base import Column, Duration, Name, Reference, Spec, Sql
from mlops_assets.spec.retention import Retention

Statistic = Literal["mean", "rate", "count", "sum", "min", "max", "std", "last", "time_since"]


class Function(Spec):
    """Features as Ibis expressions, returned by a plain Python function of the rows' table."""

    function: Reference
    """`module:function`; it takes an Ibis table and returns a mapping of feature to expression, or a table of them."""
    columns: tuple[Name, ...]
    """The features that it returns."""


class Join(Spec):
    """Columns of another dataset: its newest row as of the event time, or the key's row where it has no event time."""

    dataset: Name | None = None
    table: Name | None = None
    """Another feature table, in place of a dataset: its newest row as of the event time."""
    on: tuple[Column, ...]
    """Columns that both sides share."""
    columns: dict[Name, Sql] = Field(default_factory=dict)
    """Feature name to SQL expression over the joined columns."""
    functions: tuple[Function, ...] = ()
    """Features as Ibis expressions over the joined columns."""
    ttl: Duration | None = None
    """A value older than this is no value; `ttl` of the feature table overrides it, feature by feature."""

    @model_validator(mode="after")
    def _one_source(self) -> "Join":
        if (self.dataset is None) == (self.table is None):
            raise ValueError("a join needs a dataset or a feature table: give one of dataset and table")
        return self

    @property
    def source(self) -> keys.Key:
        """The key of the asset that is joined."""
        return keys.key(self.dataset, "clean") if self.dataset else keys.key(str(self.table), "offline")

    def feature_names(self) -> list[str]:
        """Every feature of this join, in the order of the table's columns."""
        return [*self.columns, *(name for function in self.functions for name in function.columns)]


class Aggregation(Spec):
    """A statistic over what was known strictly before the row's event time."""

    name: Name
    """Feature name; one a window, as name_7d."""
    stat: Statistic = "mean"
    """Rate: the share of rows where `of` holds; time_since: seconds since the newest; std: of a sample."""
    of: Sql
    """SQL expression over the dataset's columns; rows where it is null do not count."""
    by: tuple[Column, ...]
    """The group that shares the statistic."""
    over: tuple[Duration, ...]
    """The windows back from the event time."""
    dataset: Name | None = None
    """The dataset that is counted; left out: the one that is described."""


class Online(Spec):
    """How the features are kept for look-ups."""

    rows: bool = True
    """Keep the newest row of each key too, so that the key alone is enough for a look-up."""
    max_age: Duration | None = None
    """A value older than this is told to be stale."""
    clock: Literal["wall", "data"] = "wall"
    """Ages are told by the clock on the wall, or by the newest event time seen, so that a replay answers as then."""


class FeatureTable(Spec):
    """Features over datasets: one row an entity row of `dataset`, correct as of its event time."""

    name: Name
    """From version 2 on, the version is part of it: two versions have keys and tables of their own."""
    version: Annotated[int, Field(ge=1)] = 1
    """A changed definition is a new version while a released model uses the old one."""
    dataset: Name
    """The dataset whose rows are described; key and event time are its own."""
    columns: dict[Name, Sql] = Field(default_factory=dict)
    """Feature name to SQL expression over columns of the dataset that are known at the event time."""
    functions: tuple[Function, ...] = ()
    """Features as Ibis expressions over columns of the dataset that are known at the event time."""
    joins: tuple[Join, ...] = ()
    aggregations: tuple[Aggregation, ...] = ()
    ttl: dict[Name, Duration] = Field(default_factory=dict)
    """Feature to the age from which its joined value is no value."""
    online: Online = Online()
    retention: Annotated[Retention, Field(exclude=True)] = Retention()
    """Which old versions of its table stay; left out: all. `mlops gc` acts on it, and nothing else."""
    description: str = ""
    owners: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _versioned(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("name"), str) and isinstance(given.get("version"), int):
            suffix = f"_v{given['version']}"
            if given["version"] > 1 and not given["name"].endswith(suffix):
                return {**given, "name": f"{given['name']}{suffix}"}
        return given

    @field_validator("ttl")
    @classmethod
    def _positive(cls, ttl: dict[str, timedelta]) -> dict[str, timedelta]:
        for name, age in ttl.items():
            if age <= timedelta(0):
                raise ValueError(f"the ttl of {name!r} must be longer than nothing")
        return ttl

    @model_validator(mode="after")
    def _names_differ(self) -> "FeatureTable":
        seen: set[str] = set()
        for name in self.feature_names():
            if name in seen:
                raise ValueError(f"feature {name!r} is declared twice in feature table {self.name!r}")
            seen.add(name)
        if not seen:
            raise ValueError("a feature table needs a feature: give columns, functions, joins or aggregations")
        joined = [name for join in self.joins for name in join.feature_names()]
        for name in self.ttl:
            if name not in joined:
                raise ValueError(f"a ttl for {name!r}, which is no joined feature; allowed: {', '.join(joined)}")
        return self

    @property
    def family(self) -> str:
        """The name that all versions share.

        >>> FeatureTable(name="trips", version=2, dataset="d", columns={"x": "x"}).family
        'trips'
        """
        return self.name.removesuffix(f"_v{self.version}") if self.version > 1 else self.name

    def feature_names(self) -> list[str]:
        """Every feature's name, in the order of the table's columns."""
        functions = [name for function in self.functions for name in function.columns]
        joined = [name for join in self.joins for name in join.feature_names()]
        windows = [window_name(a, w) for a in self.aggregations for w in a.over]
        return [*self.columns, *functions, *joined, *windows]

    def datasets(self) -> list[str]:
        """The dataset described, then the joined and the counted ones, each once."""
        joined = [join.dataset for join in self.joins if join.dataset]
        counted = [aggregation.dataset for aggregation in self.aggregations if aggregation.dataset]
        return list(dict.fromkeys([self.dataset, *joined, *counted]))

    def tables(self) -> list[str]:
        """The feature tables joined, each once."""
        return list(dict.fromkeys(join.table for join in self.joins if join.table))

    def all_functions(self) -> list[Function]:
        """The functions over the described rows, then those over joined ones."""
        return [*self.functions, *(function for join in self.joins for function in join.functions)]

    def counted(self, aggregation: Aggregation) -> str:
        """The dataset that an aggregation counts."""
        return aggregation.dataset or self.dataset

    def age_limit(self, join: Join, feature: str) -> timedelta | None:
        """The age from which a joined feature's value is no value; None: never."""
        return self.ttl.get(feature, join.ttl)


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
