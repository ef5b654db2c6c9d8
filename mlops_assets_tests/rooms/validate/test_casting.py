"""A text becomes a number only without loss, whether it is written as the type writes it or in another way."""

from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.rooms.validate.casting import cast, present
from mlops_assets.stores import sql

CASES = {
    "BIGINT": {
        **{
            text: int(text) for text in ("0", "-7", "9223372036854775807", "-9223372036854775808", "+5", "007", "\t12 ")
        },
        "3.0": 3,
        "3.": 3,
        "-0": 0,
        " +4.00\n": 4,
        **dict.fromkeys(
            ("", " ", "-", "5-", "+-5", "3.5", ".0", "1e3", "1_000", "0x1F", "0b1", "\u0661", "1\u00a0", "nan")
        ),
        **dict.fromkeys(("9223372036854775808", "1 2", "true", "2013-01-01")),
    },
    "TINYINT": {"127": 127, "-128": -128, "128": None, "1.0": 1},
    "DOUBLE": {"1": 1.0, "-2.5": -2.5, "1e3": 1000.0, " 4 ": 4.0, "1_0": None, "x": None, "": None, "none": None},
}


@pytest.mark.parametrize("target", CASES)
def test_a_text_is_cast_exactly_or_not_at_all(target: str) -> None:
    assert _cast(list(CASES[target]), target) == list(CASES[target].values())


def test_the_text_of_nan_stands_for_nothing_where_a_number_is_wanted_and_no_other_word_does() -> None:
    with sql.session() as connection:
        texts = pa.table({"x": ["nan", " NaN ", "-nan", "+NAN", "none", "N", "inf", "1", None]})
        connection.register("texts", texts)
        found = connection.execute(f"select {present('x', 'VARCHAR', 'DOUBLE')} from texts").fetchall()
    assert [value for (value,) in found] == [None, None, None, None, "none", "N", "inf", "1", None]


def _cast(texts: list[str], target: str) -> list[Any]:
    with sql.session() as connection:
        connection.register("texts", pa.table({"x": texts}))
        return [
            value for (value,) in connection.execute(f"select {cast('x', 'VARCHAR', target)} from texts").fetchall()
        ]
