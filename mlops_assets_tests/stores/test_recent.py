"""Tables that were read a moment ago: only ever what reading them again would give."""

from pathlib import Path

import pyarrow as pa

from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.recent import Recent


def _table(size: int) -> pa.Table:
    return pa.table({"a": pa.array(range(size), pa.int64())})


def test_what_was_used_least_recently_goes_first() -> None:
    recent = Recent(most=2 * _table(10).nbytes)
    first = recent.read(1, lambda: _table(10))
    recent.read(2, lambda: _table(10))
    assert recent.read(1, lambda: _table(10)) is first
    recent.read(3, lambda: _table(10))
    assert recent.read(1, lambda: _table(10)) is first
    anew = _table(10)
    assert recent.read(2, lambda: anew) is anew


def test_a_large_table_is_read_every_time() -> None:
    recent = Recent(largest=_table(10).nbytes)
    assert recent.read(1, lambda: _table(11)) is not recent.read(1, lambda: _table(11))


def test_a_new_version_is_read_anew_and_an_old_one_stays_what_it_was(tmp_path: Path) -> None:
    lake = DeltaLake(tmp_path)
    lake.write("t", _table(1), batch="a")
    before = lake.read("t")
    assert lake.read("t") is before
    lake.write("t", _table(2), batch="b")
    assert lake.read("t").num_rows == 3
    assert lake.read("t", batches=["b"]).num_rows == 2
    assert lake.read("t", version=0).num_rows == 1


def test_a_table_of_the_same_name_in_another_lake_is_another(tmp_path: Path) -> None:
    lakes = [DeltaLake(tmp_path / name) for name in ("one", "other")]
    for rows, lake in enumerate(lakes, start=1):
        lake.write("t", _table(rows), batch="a")
    assert [lake.read("t").num_rows for lake in lakes] == [1, 2]


def test_a_condition_is_asked_every_time(tmp_path: Path) -> None:
    lake = DeltaLake(tmp_path)
    lake.write("t", _table(3), batch="a")
    assert lake.read("t", where="a > 0") is not lake.read("t", where="a > 0")
