"""Features as Ibis expressions in a plain Python function: what they see, and what they may not."""

from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.rooms.features.functions import written
from mlops_assets.stores import sql

SCHEMA = pa.schema([("dist", pa.int64()), ("o", pa.string()), ("t", pa.timestamp("us", "UTC"))])


def computed(function: Any, *names: str) -> list[dict[str, Any]]:
    rows = pa.Table.from_pylist([{"dist": 3, "o": "JFK"}, {"dist": None, "o": None}], schema=SCHEMA)
    expressions = written(function, SCHEMA, names, what="function 'f:f'")
    with sql.connect() as connection:
        connection.register("rows", rows)
        values = ", ".join(f"{each} as {name}" for name, each in expressions.items())
        found: list[dict[str, Any]] = connection.execute(f"select {values} from rows").to_arrow_table().to_pylist()
        return found


def test_a_function_returns_expressions_by_name() -> None:
    found = computed(lambda t: {"far": t.dist > 2, "place": t.o.lower()}, "far", "place")
    assert found == [{"far": True, "place": "jfk"}, {"far": None, "place": None}]


def test_a_function_may_return_a_table_too() -> None:
    found = computed(lambda t: t.mutate(twice=t.dist * 2).mutate(more=lambda t: t.twice + 1), "more")
    assert found == [{"more": 7}, {"more": None}]


def test_an_outcome_is_not_there_for_a_function_to_see() -> None:
    with pytest.raises(SpecError, match=r"no attribute 'delay'; allowed: dist, o, t; next: use only columns that are"):
        computed(lambda t: {"x": t.delay}, "x")


@pytest.mark.parametrize(
    "function",
    [
        lambda t: {"x": t.dist.lead()},
        lambda t: {"x": t.dist - t.dist.mean()},
        lambda t: t.group_by("o").agg(x=lambda t: t.dist.max()),
        lambda t: t.filter(t.dist > 1).mutate(x=t.dist),
        lambda t: t.join(t.view(), "o").select(x="dist"),
    ],
    ids=["the next row", "the mean of all", "a group", "fewer rows", "a join"],
)
def test_what_sees_other_rows_is_refused(function: Any) -> None:
    with pytest.raises(SpecError, match=r"function 'f:f' (sees other rows|fails)"):
        computed(function, "x")


def test_a_feature_that_is_declared_but_not_returned_is_named_with_the_near_one() -> None:
    with pytest.raises(UnknownName, match=r"unknown feature 'farr'.*did you mean 'far'"):
        computed(lambda t: {"far": t.dist > 2}, "farr")
