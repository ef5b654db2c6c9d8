"""A pandera model compiles to SQL that judges as pandera itself would."""

from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest

from mlops_assets.errors import ContractError
from mlops_assets.rooms.validate.contract import BatchBreach, Contract
from mlops_assets.rooms.validate.pandera_models import from_pandera
from mlops_assets.rooms.validate.split import split
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.source import Source

DATASET = Dataset(name="things", source=Source(files="*.csv"))
NUMBERS: list[Any] = [1.0, 2.0, 3.0, 3.5, -1.0, None]
WORDS: list[Any] = ["abc", "b", "Abc", "", "it's", "éé", "x\ny", None]
MOMENTS: list[Any] = [pd.Timestamp("2012-12-31"), pd.Timestamp("2013-01-01"), pd.Timestamp("2014-01-01"), pd.NaT]

CHECKS: list[tuple[str, list[Any], pandera.Check]] = [
    *[
        ("float64", NUMBERS, check)
        for check in (
            pandera.Check.ge(2),
            pandera.Check.gt(2),
            pandera.Check.le(2),
            pandera.Check.lt(2),
            pandera.Check.eq(2),
            pandera.Check.ne(2),
            pandera.Check.in_range(1, 3),
            pandera.Check.in_range(1, 3, include_min=False, include_max=False),
            pandera.Check.isin([1, 2]),
            pandera.Check.notin([1, 2]),
            pandera.Check(lambda s: s > 2, name="vectorised"),
            pandera.Check(lambda x: x > 2, element_wise=True, name="each"),
        )
    ],
    *[
        ("str", WORDS, check)
        for check in (
            pandera.Check.isin(["abc", "it's"]),
            pandera.Check.notin(["abc", "it's"]),
            pandera.Check.str_matches(r"[a-z]+"),
            pandera.Check.str_matches(r"a|b"),
            pandera.Check.str_matches(r"(?!x)."),
            pandera.Check.str_contains(r"b.?$"),
            pandera.Check.str_startswith("it'"),
            pandera.Check.str_endswith("c"),
            pandera.Check.str_length(1, 3),
            pandera.Check.str_length(min_value=2),
            pandera.Check.eq("it's"),
        )
    ],
    ("datetime64[ns]", MOMENTS, pandera.Check.ge(pd.Timestamp("2013-01-01"))),
    ("datetime64[ns]", MOMENTS, pandera.Check.in_range(pd.Timestamp("2013-01-01"), pd.Timestamp("2013-12-31"))),
    ("datetime64[ns]", MOMENTS, pandera.Check(lambda s: s < pd.Timestamp("2013-06-01"), name="naive")),
]


def schema(dtype: str, *checks: pandera.Check, **options: Any) -> pandera.DataFrameSchema:
    return pandera.DataFrameSchema({"x": pandera.Column(dtype, list(checks), **{"nullable": True, **options})})


def judged(contract: Contract, values: list[Any]) -> tuple[list[int], dict[str, int]]:
    """The rows in quarantine, from 0, and the reasons."""
    found = split(pa.table({"x": pa.Array.from_pandas(values)}), contract, DATASET, "one")
    return [row - 1 for row in found.quarantine.column("_row").to_pylist()], dict(found.reasons)


@pytest.mark.parametrize(
    ("dtype", "values", "check"), CHECKS, ids=lambda value: str(getattr(value, "error", "")) or None
)
def test_a_check_refuses_the_rows_that_pandera_refuses(dtype: str, values: list[Any], check: pandera.Check) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype="object" if dtype == "str" else dtype)})
    try:
        pandera.DataFrameSchema({"x": pandera.Column(None, check, nullable=True)}).validate(frame, lazy=True)
        expected = []
    except pandera.errors.SchemaErrors as failures:
        expected = sorted(failures.failure_cases["index"])
    rows, reasons = judged(from_pandera(schema(dtype, check)), values)
    assert rows == expected
    assert sum(reasons.values()) == len(rows)


@pytest.mark.parametrize(
    ("dtype", "kind", "good", "bad"),
    [
        ("int64", "BIGINT", ["1", " 2 ", "3.0", "-4"], ["1.5", "1e3", "0x10", "x", "", "9" * 30, "1_000"]),
        ("int8", "TINYINT", ["127"], ["128"]),
        ("uint8", "SMALLINT", ["255"], ["-1", "256"]),
        ("float64", "DOUBLE", ["1.5", "1e3", "-.5"], ["x", "1_0", "inf", "-Infinity", ""]),
        ("bool", "BOOLEAN", ["true", "False", "0", "1", "yes"], ["2", "x", ""]),
        ("datetime64[ns, UTC]", "TIMESTAMPTZ", ["2013-01-01", "2013-01-01T05:00:00Z"], ["2013-13-01", "x", "infinity"]),
        ("string", "VARCHAR", ["", "x"], []),
        ("category", "VARCHAR", ["", "x"], []),
    ],
)
def test_a_dtype_casts_without_loss_or_refuses(dtype: str, kind: str, good: list[str], bad: list[str]) -> None:
    contract = from_pandera(schema(dtype))
    assert contract.columns[0].type == kind
    rows, _ = judged(contract, [*good, *bad])
    assert rows == list(range(len(good), len(good) + len(bad)))


def test_nan_counts_as_null_and_infinity_is_refused() -> None:
    contract = from_pandera(schema("float64", nullable=False))
    rows, reasons = judged(contract, ["nan", "NaN", "inf", "1"])
    assert rows == [0, 1, 2]
    assert reasons == {"x:not_null": 2, "x:finite": 1}
    clean = split(pa.table({"x": [float("nan"), 1.0]}), from_pandera(schema("float64")), DATASET, "one").clean
    assert clean.column("x").to_pylist() == [1.0, None] or clean.column("x").to_pylist() == [None, 1.0]


def test_a_fraction_is_no_whole_number() -> None:
    found = split(pa.table({"x": [1.0, 1.5]}), from_pandera(schema("int64")), DATASET, "one")
    assert found.clean.column("x").to_pylist() == [1]


def test_uniqueness_refuses_every_row_of_a_doubled_value() -> None:
    rows, reasons = judged(from_pandera(schema("str", unique=True)), ["a", "b", "a", None, None])
    assert rows == [0, 2]
    assert reasons == {"x:unique": 2}


def test_checks_of_a_model_and_of_its_table_are_named_by_their_methods() -> None:
    class Things(pandera.DataFrameModel):
        a: int
        b: int

        @pandera.check("a")
        @classmethod
        def even(cls, values: Any) -> Any:
            return values % 2 == 0

        @pandera.dataframe_check
        @classmethod
        def ascending(cls, frame: Any) -> Any:
            return frame.a < frame.b

    rows = pa.table({"a": ["2", "3", "4", "x"], "b": ["5", "5", "1", "1"]})
    found = split(rows, from_pandera(Things), DATASET, "one")
    assert found.quarantine.column("reasons").to_pylist() == [["a:even"], ["row:ascending"], ["a:type"]]


def test_a_custom_check_that_cannot_run_stops_the_batch() -> None:
    contract = from_pandera(schema("int64", pandera.Check(lambda s: s.nonsense, name="broken")))
    with pytest.raises(BatchBreach, match=r"check 'broken' of column 'x' could not run: AttributeError") as breach:
        judged(contract, ["1"])
    assert breach.value.reason == "batch:check_failed(broken)"


def test_a_check_on_the_whole_column_is_refused_when_it_answers() -> None:
    contract = from_pandera(schema("int64", pandera.Check(lambda s: s.mean() > 1, name="mean")))
    with pytest.raises(BatchBreach, match="doesn't answer row by row"):
        judged(contract, ["1"])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (schema("int64", pandera.Check.unique_values_eq([1])), "an aggregate"),
        (schema("int64", pandera.Check.ge(1, raise_warning=True)), "raise_warning"),
        (schema("int64", default=1), "default values"),
        (pandera.DataFrameSchema({"x": pandera.Column(int)}, ordered=True), "ordered columns"),
        (pandera.DataFrameSchema({"x": pandera.Column(int)}, index=pandera.Index(int)), "an index"),
        (pandera.DataFrameSchema({"x.*": pandera.Column(int, regex=True)}), "regular expression"),
        (pandera.DataFrameSchema({"x": pandera.Column()}), "no usable dtype"),
        (pandera.DataFrameSchema({"x": pandera.Column("timedelta64[ns]")}), "no usable dtype"),
        (pandera.DataFrameSchema({"_batch": pandera.Column(int)}), "doubled or reserved"),
        (pandera.DataFrameSchema({}), "needs a column"),
        ("not a model", "not a contract"),
    ],
)
def test_what_cannot_be_judged_row_by_row_is_refused_by_name(given: Any, named: str) -> None:
    with pytest.raises(ContractError, match=named):
        from_pandera(given)


def test_a_closed_contract_refuses_a_further_column_and_an_open_one_leaves_it_out() -> None:
    rows = pa.table({"x": [1], "y": [2]})
    opened = pandera.DataFrameSchema({"x": pandera.Column(int)})
    closed = pandera.DataFrameSchema({"x": pandera.Column(int)}, strict=True)
    assert split(rows, from_pandera(opened), DATASET, "one").clean.column_names == ["x"]
    with pytest.raises(BatchBreach, match="unexpected column y"):
        split(rows, from_pandera(closed), DATASET, "one")


def test_a_column_that_is_not_required_is_null_where_it_lacks() -> None:
    contract = from_pandera(
        pandera.DataFrameSchema({"x": pandera.Column(int), "y": pandera.Column(float, required=False, nullable=True)})
    )
    found = split(pa.table({"x": [1]}), contract, DATASET, "one")
    assert found.clean.to_pylist() == [{"x": 1, "y": None}]


def test_a_custom_check_sees_the_dtypes_that_the_contract_names_and_may_spoil_its_frame() -> None:
    seen: list[dict[str, str]] = []

    def look(frame: Any) -> Any:
        seen.append({name: str(kind) for name, kind in frame.dtypes.items()})
        frame["i"] = 0
        frame.drop(columns="f", inplace=True)  # noqa: PD002 - a user's check may do what it likes
        return frame["big"].isna() | (frame["big"] == 2**62 + 1)

    dtypes = {"i": "int64", "big": "Int64", "f": "float64", "at": "datetime64[us, UTC]", "s": "string", "c": "category"}
    columns = {name: pandera.Column(dtype, nullable=name == "big") for name, dtype in dtypes.items()}
    contract = from_pandera(pandera.DataFrameSchema(columns, checks=[pandera.Check(look, ignore_na=False)] * 2))
    raw = {
        "i": [1, 2],
        "big": [2**62 + 1, None],
        "f": [1.5, 2.5],
        "at": ["2013-01-01"] * 2,
        "s": ["x"] * 2,
        "c": ["y"] * 2,
    }
    assert split(pa.table(raw), contract, DATASET, "one").share == 0
    assert seen == [dtypes, dtypes]
