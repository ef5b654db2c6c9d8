"""A Dataset: where data arrives, and the contract that it must meet."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mlops_assets.spec.base import Column, Duration, Name, Reference, Spec, Sql
from mlops_assets.spec.repair import Fill, Merge, Repair, zone
from mlops_assets.spec.retention import Retention
from mlops_assets.spec.source import Source


class Period(Spec):
    """A batch is named by a stretch of time, and its rows must lie in it."""

    every: Literal["hour", "day", "month", "year"]
    """The stretch; the batch's name must start with it in ISO form, such as 2013-01 for a month."""
    timezone: Annotated[str, AfterValidator(zone)] = "UTC"
    """The clock by which the stretch begins and ends."""


class Outcomes(Spec):
    """Columns that nobody knows at the event time; they become known later."""

    known_at: Column
    """The column with the moment at which the outcomes of a row became known; null: never."""
    columns: tuple[Column, ...]
    """The columns that are known only then; none of them may be a feature of its own row."""


class Quarantine(Spec):
    """When bad rows stop the way."""

    max_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """The share of a batch's rows in quarantine above which the way stops."""


class Group(Spec):
    """A column by whose values rows are told apart, to see who is in the data, and whether all are treated alike."""

    column: Column
    expected: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Value to its share in the population that the data should stand for; left out: nobody knows it."""


def _group(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


class Explore(Spec):
    """What the exploration looks at besides the columns."""

    target: Sql | None = None
    """SQL of what is to be predicted, a number or a truth; left out: the target of the first model over the rows."""
    full: bool = False
    """Whether each arrival draws the whole report of its version; otherwise `mlops eda` does, when it is asked for."""


class Dataset(Spec):
    """Where data arrives, and the contract that it must meet."""

    name: Name
    source: Source
    key: tuple[Column, ...] = ()
    """The columns that name a row; identical doubled rows are merged, conflicting ones are quarantined."""
    event_time: Column | None = None
    """The column with the moment at which the row's event happens; timestamps are UTC."""
    period: Period | None = None
    outcomes: Outcomes | None = None
    contract: Reference | None = None
    """A pandera model as `module:name`, beside this file; left out: inferred from the first batch, then frozen."""
    contract_version: Annotated[int, Field(ge=1)] = 1
    """To be raised with a change of the contract that would break a table that a living model reads."""
    repairs: tuple[Repair, ...] = ()
    """What is mended, in this order, before the contract judges a row; each repaired cell is recorded."""
    quarantine: Quarantine = Quarantine()
    groups: tuple[Annotated[Group, BeforeValidator(_group)], ...] = ()
    """Columns, or columns with expected shares: representativeness and bias are told by their values."""
    explore: Explore = Explore()
    freshness: Duration | None = None
    """The longest that the newest row may lie back; an older one warns. Left out: nobody waits for this data."""
    retention: Annotated[Retention, Field(exclude=True)] = Retention()
    """Left out: every version stays. `mlops gc` acts on it, and nothing else: what is made does not depend on it."""
    description: str = ""
    owners: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _period_needs_event_time(self) -> "Dataset":
        if self.period and not self.event_time:
            raise ValueError("period needs event_time: name the column by which rows are told apart")
        return self

    @model_validator(mode="after")
    def _one_merge_over_a_key(self) -> "Dataset":
        merges = [repair for repair in self.repairs if isinstance(repair, Merge)]
        if merges and not self.key:
            raise ValueError("the repair merge needs key: name the columns that name a row")
        if len(merges) > 1:
            raise ValueError("the repair merge is declared twice: keep one of them")
        if merges and merges[0].keep in ("newest", "oldest") and not (merges[0].by or self.event_time):
            raise ValueError(f"keep: {merges[0].keep} needs by, or an event_time")
        return self

    @property
    def merge(self) -> Merge | None:
        """The rule by which doubled keys are merged, where one is declared."""
        return next((repair for repair in self.repairs if isinstance(repair, Merge)), None)

    @property
    def looked_up(self) -> tuple[str, ...]:
        """The datasets in which repairs look values up."""
        fills = [repair.reference for repair in self.repairs if isinstance(repair, Fill) and repair.reference]
        return tuple(sorted({reference.dataset for reference in fills}))
