"""Text that Arrow casts is what SQL makes of it; in any other form, Arrow leaves the column alone."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.rooms.validate import texts
from mlops_assets.rooms.validate.casting import cast, present
from mlops_assets.rooms.validate.contract import Column
from mlops_assets.stores import sql

MANY = settings(max_examples=60, deadline=None)
FORMS = {
    "number": r"[ +-]{0,2}(0[xX])?[0-9]{0,20}[._]?[0-9]{0,6}([eE][+-]?[0-9]{1,3})?[ \n]?",
    "moment": r"[0-9]{4}-(0?[1-9]|1[0-3])-(0[1-9]|3[01])([ T][0-2][0-9](:[0-6][0-9](:[0-6][0-9](\.[0-9]{0,7})?)?)?)?"
    r" ?(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?",
}
NUMBERS = st.one_of(
    st.from_regex(FORMS["number"], fullmatch=True),
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(["nan", "inf", "1e400", "-1e400", "1e-400", "4.9e-324", ".5", "5.", "0x1F", "-0", "007", ""]),
)
MOMENTS = st.one_of(
    st.from_regex(FORMS["moment"], fullmatch=True),
    st.datetimes().map(lambda moment: f"{moment}+00"),
    st.sampled_from(["2013-01-01 10Z", "2013-01-01 10:00+05:30", "2013-01-01 10:00:00+05:30", "2013-01-01"]),
)


def _by_sql(values: list[str | None], kind: str) -> list[Any]:
    with sql.session() as connection:
        connection.register("texts", pa.table({"x": pa.array(values, pa.string())}))
        query = f"select {cast('x', 'VARCHAR', kind)} from (select {present('x', 'VARCHAR', kind)} as x from texts)"
        return list(connection.execute(query).to_arrow_table().column(0).to_pylist())


def _agree(text: str, kind: str) -> None:
    values = [None, text, text]
    found = texts.plain(pa.chunked_array([pa.array(["x", *values]).slice(1), pa.array([], pa.string())]), kind)
    assert found is None or repr(found.to_pylist()) == repr(_by_sql(values, kind))


@MANY
@given(text=NUMBERS)
@pytest.mark.parametrize("kind", ["TINYINT", "BIGINT", "DOUBLE"])
def test_a_number_is_the_one_that_sql_reads(kind: str, text: str) -> None:
    _agree(text, kind)


@MANY
@given(text=MOMENTS)
@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMPTZ"])
def test_a_moment_is_the_one_that_sql_reads(kind: str, text: str) -> None:
    _agree(text, kind)


def test_a_column_in_plain_form_is_cast_and_one_with_a_single_other_form_is_left_as_it_is() -> None:
    rows = pa.table(
        {
            "Whole": ["1", "-2", None],
            "odd": ["1", "2", "3.0"],
            "number": ["1.5", None, "-2e3"],
            "at": ["2013-01-15 10:30:00+00", "2013-01-15T10:30:00.5Z", None],
            "late": ["2013-01-15 10:30+00", None, None],
            "word": ["a", "b", "c"],
        }
    )
    kinds = {"whole": "BIGINT", "odd": "BIGINT", "number": "DOUBLE", "at": "TIMESTAMPTZ", "late": "TIMESTAMPTZ"}
    found = texts.cast(
        rows, [Column(name, kind) for name, kind in {**kinds, "word": "VARCHAR", "gone": "DATE"}.items()]
    )
    noon = datetime(2013, 1, 15, 10, 30, tzinfo=UTC)
    assert found.column("Whole").to_pylist() == [1, -2, None]
    assert found.column("number").to_pylist() == [1.5, None, -2000.0]
    assert found.column("at").to_pylist() == [noon, noon.replace(microsecond=500_000), None]
    assert found.select(["odd", "late", "word"]) == rows.select(["odd", "late", "word"])
