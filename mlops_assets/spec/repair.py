"""Repairs: what may be mended in what arrives before the contract judges it; each is declared, and each is recorded."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from mlops_assets.spec.base import Column, Name, Spec, Sql


def zone(value: str) -> str:
    """Check that a time zone exists.

    >>> zone("America/New_York")
    'America/New_York'
    """
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"no such time zone: {value!r}; allowed: an IANA name such as America/New_York") from error
    return value


class Rename(Spec):
    """A column that arrives under another name; a batch that has the right name already is left as it is."""

    kind: Literal["rename"]
    columns: Annotated[dict[Column, Column], Field(min_length=1)]
    """The name that arrives to the contract's name."""


class Trim(Spec):
    """White space around texts is taken away."""

    kind: Literal["trim"]
    columns: tuple[Column, ...] = ()
    """Which; left out: every column of text."""
    empty: Literal["keep", "null"] = "keep"
    """What becomes of a text that is empty then."""


class Cast(Spec):
    """A text that a person can read becomes one that the contract can; what cannot be read stays as it is."""

    kind: Literal["cast"]
    column: Column
    to: Literal["integer", "number", "boolean", "date", "timestamp"]
    format: str | None = None
    """Of dates and times: as `strptime` has it, such as %d.%m.%Y, or epoch_s, or epoch_ms."""
    timezone: Annotated[str, AfterValidator(zone)] = "UTC"
    """The clock of times that name none."""
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    truthy: tuple[str, ...] = ("true", "t", "yes", "y", "1", "on")
    """Texts, in lower case, that mean true."""
    falsy: tuple[str, ...] = ("false", "f", "no", "n", "0", "off")
    when: Sql | None = None
    """SQL condition over the row: only such rows are repaired."""

    @model_validator(mode="after")
    def _marks_differ(self) -> "Cast":
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}: give one of them another mark")
        return self


class Unit(Spec):
    """A number in another unit: value * factor + offset."""

    kind: Literal["unit"]
    column: Column
    factor: float = 1.0
    offset: float = 0.0
    digits: Annotated[int, Field(ge=0, le=15)] | None = None
    """Decimals to which the result is rounded; left out: not at all."""
    when: Sql | None = None
    """SQL condition over the row: only such rows are repaired."""


class Lookup(Spec):
    """A column of another dataset's clean table, found by key."""

    dataset: Name
    column: Column
    by: Annotated[dict[Column, Column], Field(min_length=1)]
    """Column of this dataset to column of the other; where several rows answer differently, none does."""


class Fill(Spec):
    """A missing value gets one: a constant, or what another dataset says."""

    kind: Literal["fill"]
    column: Column
    value: bool | int | float | str | None = None
    """The constant."""
    reference: Lookup | None = None
    """Where the value is looked up."""
    when: Sql | None = None
    """SQL condition over the row: only such rows are repaired."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "Fill":
        if (self.value is None) == (self.reference is None):
            raise ValueError("fill needs a value or a reference, and not both")
        return self


class Merge(Spec):
    """Of several rows of a batch that meet the contract and have the same key, one is kept."""

    kind: Literal["merge"]
    keep: Literal["first", "last", "newest", "oldest", "max", "min"]
    """By place in the batch, by time, or by value; of equal ones the last row."""
    by: Column | None = None
    """The column that decides; left out: the event time for newest and oldest."""

    @model_validator(mode="after")
    def _by_suits(self) -> "Merge":
        if self.keep in ("max", "min") and not self.by:
            raise ValueError(f"keep: {self.keep} needs by: the column that decides")
        if self.keep in ("first", "last") and self.by:
            raise ValueError(f"keep: {self.keep} goes by place in the batch: leave by out")
        return self


Repair = Annotated[Rename | Trim | Cast | Unit | Fill | Merge, Field(discriminator="kind")]
"""One declared repair, by its kind."""
