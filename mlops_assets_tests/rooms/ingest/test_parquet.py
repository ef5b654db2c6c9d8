"""A plain Parquet file is read by Arrow as DuckDB would read it, and what is not plain by DuckDB."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_assets.errors import LandingError
from mlops_assets.rooms.ingest import parquet, readers
from mlops_assets.stores import sql

PLAIN = pa.table(
    {
        "whole": pa.array([1, None, -(2**63)], pa.int64()),
        "small": pa.array([1, None, 3], pa.int8()),
        "x": [float("nan"), None, -0.0],
        "flag": [True, None, False],
        "text": ["é", None, ""],
        "day": [date(1, 1, 1), None, date(9999, 12, 31)],
        "at": pa.array([datetime(2013, 1, 1, tzinfo=UTC), None, None], pa.timestamp("us", "UTC")),
    }
)


def test_a_plain_file_is_what_duckdb_makes_of_it(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(PLAIN.replace_schema_metadata({"pandas": "{}"}), file, row_group_size=2)
    with sql.session() as connection:
        told = connection.execute(f"from read_parquet({sql.literal(str(file))})").to_arrow_table()
    found = readers.read(file)
    assert parquet.plain(file)
    assert found.schema.equals(told.schema, check_metadata=True)
    assert repr(found.to_pylist()) == repr(told.to_pylist())
    with readers.opened(file) as rows:
        assert repr(rows.read_all().to_pylist()) == repr(found.to_pylist())


@pytest.mark.parametrize("kind", [pa.uint32(), pa.timestamp("ns"), pa.timestamp("us", "America/New_York"), pa.binary()])
def test_what_is_not_plain_is_brought_to_what_a_table_holds(tmp_path: Path, kind: pa.DataType) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": pa.array([None], kind)}), file)
    assert not parquet.plain(file)
    homes = {pa.uint32(): pa.int64(), pa.binary(): pa.binary()}
    assert readers.read(file).schema.types == [homes.get(kind, pa.timestamp("us", "UTC"))]


def test_a_text_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    pq.write_table(pa.table({"a": broken}), file)
    with pytest.raises(LandingError, match=r"a\.parquet: cannot be read as \.parquet"):
        readers.read(file)
