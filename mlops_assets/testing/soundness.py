"""Whether features are sound on every hard case: they compute, of one type, finite, and each row for itself."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.features.functions import written
from mlops_assets.rooms.features.quality import same
from mlops_assets.stores import sql
from mlops_assets.stores.sql import identifier
from mlops_assets.testing.cases import NOT_FINITE, cases

if TYPE_CHECKING:
    import pyarrow as pa

Features = Callable[..., Any] | Mapping[str, str]
"""A function of Ibis expressions, or feature to SQL expression."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a feature in a case.

    Attributes:
        case: its name.
        feature: its name; empty when none could be computed.
        what: in words.
    """

    case: str
    feature: str
    what: str

    def __str__(self) -> str:
        return f"{self.case}: {self.feature or 'every feature'} {self.what}"


def assert_sound(
    features: Features, schema: "pa.Schema", names: Sequence[str] = (), *, more: "Mapping[str, pa.Table] | None" = None
) -> None:
    """Assert that features have no fault in any case.

    Args:
        features: a function as a feature table names it, or feature to SQL.
        schema: of the columns that are known at the event time.
        names: the features that a function returns; by default all that it does.
        more: further cases of one's own, by name.

    Raises:
        AssertionError: there are faults; the message lists them.
        SpecError: the function is none that a feature table may name.

    >>> import pyarrow as pa
    >>> assert_sound({"hours": "minutes / 60"}, pa.schema([("minutes", pa.float64())]))
    >>> assert_sound({"pace": "dist / hours"}, pa.schema([("dist", pa.float64()), ("hours", pa.float64())]))
    Traceback (most recent call last):
    AssertionError: zero: pace is nan, of ...
    """
    found = faults(features, schema, names, more=more)
    if found:
        raise AssertionError("\n".join(map(str, found)))


def faults(
    features: Features, schema: "pa.Schema", names: Sequence[str] = (), *, more: "Mapping[str, pa.Table] | None" = None
) -> list[Fault]:
    """What is wrong with features, case by case; see `assert_sound`.

    In each case they must compute, one value a row, of the same type as in every other case, and the same for a row
    alone as among others. They must be finite or null, unless the case is one of values that are not.
    """
    expressions = dict(features) if isinstance(features, Mapping) else _written(features, schema, names)
    kinds: dict[str, str] = {}
    found: list[Fault] = []
    for case, rows in {**cases(schema), **(more or {})}.items():
        found += _of_case(case, rows, expressions, kinds)
    return found


def _written(function: Callable[..., Any], schema: "pa.Schema", names: Sequence[str]) -> dict[str, str]:
    import ibis

    rows = ibis.table(ibis.Schema.from_pyarrow(schema), name="rows")
    listed = names
    if not listed:
        returned = function(rows)
        listed = list(returned) if isinstance(returned, Mapping) else list(returned.columns)
    return written(function, schema, listed, what=f"function '{getattr(function, '__name__', function)}'")


def _of_case(case: str, rows: "pa.Table", expressions: Mapping[str, str], kinds: dict[str, str]) -> list[Fault]:
    import duckdb

    try:
        together = _computed(rows, expressions)
        alone = [_computed(rows.slice(place, 1), expressions).to_pylist()[0] for place in range(rows.num_rows)]
    except duckdb.Error as error:
        return [Fault(case, "", f"cannot be computed: {str(error).splitlines()[0]}")]
    found = []
    for name, kind in ((field.name, str(field.type)) for field in together.schema):
        if kinds.setdefault(name, kind) != kind:
            found.append(Fault(case, name, f"is of type {kind}, elsewhere {kinds[name]}"))
    for place, (row, lone) in enumerate(zip(together.to_pylist(), alone, strict=True)):
        given = rows.slice(place, 1).to_pylist()[0]
        for name, value in row.items():
            if not same(value, lone[name]):
                found.append(Fault(case, name, f"is {value} among others and {lone[name]} alone, of {given}"))
            if case not in NOT_FINITE and isinstance(value, float) and not math.isfinite(value):
                found.append(Fault(case, name, f"is {value}, of {given}"))
    return found


def _computed(rows: "pa.Table", expressions: Mapping[str, str]) -> "pa.Table":
    values = ", ".join(f"({text}\n) as {identifier(name)}" for name, text in expressions.items())
    with sql.session() as connection:
        connection.register("rows", rows)
        return connection.execute(f"select {values} from rows").to_arrow_table()
