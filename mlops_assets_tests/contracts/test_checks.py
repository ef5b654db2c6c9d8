"""One suite over every registered standard check: SQL refuses what pandera refuses, says why, and loses no row."""

from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest

from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.rooms.validate.split import Split, split
from mlops_assets.rooms.validate.standard import CONDITIONS
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source

DATASET = Dataset(name="things", source=Source(files="*.csv"))
NUMBERS: list[Any] = [0.0, -0.0, 1.0, 2.0, 2.0000001, 3.0, -1e300, 1e300, None]
WORDS: list[Any] = [
    "abc",
    "ab",
    "b",
    "Abc",
    "",
    " abc",
    "it's",
    "éé",
    "日本語",
    "x\ny",
    "'; drop table judged; --",
    None,
]
NUMERIC = {
    "equal_to": pandera.Check.eq(2),
    "not_equal_to": pandera.Check.ne(2),
    "greater_than": pandera.Check.gt(2),
    "greater_than_or_equal_to": pandera.Check.ge(2),
    "less_than": pandera.Check.lt(2),
    "less_than_or_equal_to": pandera.Check.le(2),
    "in_range": pandera.Check.in_range(0, 2, include_max=False),
    "isin": pandera.Check.isin([1, 2]),
    "notin": pandera.Check.notin([1, 2]),
}
TEXTUAL = {
    "isin": pandera.Check.isin(["abc", "it's", "'; drop table judged; --"]),
    "notin": pandera.Check.notin(["abc", "it's"]),
    "str_matches": pandera.Check.str_matches(r"[a-z]+"),
    "str_contains": pandera.Check.str_contains(r"b.?$"),
    "str_startswith": pandera.Check.str_startswith("it'"),
    "str_endswith": pandera.Check.str_endswith("c"),
    "str_length": pandera.Check.str_length(2, 3),
}
EXAMPLES = [
    *((name, check, "float64") for name, check in NUMERIC.items()),
    *((n, c, "str") for n, c in TEXTUAL.items()),
]
EVERY = pytest.mark.parametrize(("name", "check", "dtype"), EXAMPLES, ids=[f"{n}-{d}" for n, _, d in EXAMPLES])


def judged(check: pandera.Check, dtype: str, **options: Any) -> Split:
    schema = pandera.DataFrameSchema({"x": pandera.Column(dtype, check, **{"nullable": True, **options})})
    contract = from_pandera(schema)
    assert not contract.custom, "a standard check runs as SQL"
    values = NUMBERS if dtype == "float64" else WORDS
    return split(pa.table({"x": values}), contract, DATASET, "one")


def test_every_registered_check_has_an_example() -> None:
    assert {name for name, *_ in EXAMPLES} == set(CONDITIONS)


@EVERY
def test_sql_refuses_the_rows_that_pandera_refuses(name: str, check: pandera.Check, dtype: str) -> None:
    values = NUMBERS if dtype == "float64" else WORDS
    frame = pd.DataFrame({"x": pd.Series(values, dtype="float64" if dtype == "float64" else "object")})
    try:
        pandera.DataFrameSchema({"x": pandera.Column(None, check, nullable=True)}).validate(frame, lazy=True)
        expected = []
    except pandera.errors.SchemaErrors as failures:
        expected = sorted(failures.failure_cases["index"])
    refused = judged(check, dtype).quarantine.column("_row").to_pylist()
    assert [row - 1 for row in refused] == expected
    assert 0 < len(expected) < len(values), "the example tells nothing"


@EVERY
def test_a_refused_row_says_column_and_check_and_no_row_is_lost(name: str, check: pandera.Check, dtype: str) -> None:
    found = judged(check, dtype)
    assert found.rows_in == found.clean.num_rows + found.quarantine.num_rows + found.merged
    (reason,) = found.reasons
    assert reason.startswith(f"x:{name}"[:6])
    assert all(row["reasons"] == [reason] for row in found.quarantine.to_pylist())


@EVERY
def test_null_is_for_nullable_alone_to_judge(name: str, check: pandera.Check, dtype: str) -> None:
    assert None in judged(check, dtype).clean.column("x").to_pylist()
    assert judged(check, dtype, nullable=False).reasons["x:not_null"] == 1
