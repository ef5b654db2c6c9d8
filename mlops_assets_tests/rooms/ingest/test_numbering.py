"""Rows without a key of their own are named by batch and place."""

import pyarrow as pa
import pytest

from mlops_assets.errors import LandingError
from mlops_assets.rooms.ingest.numbering import numbered


def reader(*parts: int) -> pa.RecordBatchReader:
    schema = pa.schema([("a", pa.int64())])
    return pa.RecordBatchReader.from_batches(
        schema, (pa.record_batch([pa.array(range(rows))], schema=schema) for rows in parts)
    )


def test_a_row_is_named_by_its_batch_and_its_place_over_all_chunks() -> None:
    rows = numbered(reader(2, 0, 1), "row", "2013-01").read_all()
    assert rows.to_pydict() == {
        "row": ["2013-01:000000001", "2013-01:000000002", "2013-01:000000003"],
        "a": [0, 1, 0],
    }


def test_names_sort_as_the_rows_do() -> None:
    names = numbered(reader(11), "row", "b").read_all()["row"].to_pylist()
    assert names == sorted(names)


def test_a_column_of_that_name_is_not_written_over() -> None:
    with pytest.raises(LandingError, match=r"has a column 'a' already.*numbered"):
        numbered(reader(1), "A", "2013-01")
