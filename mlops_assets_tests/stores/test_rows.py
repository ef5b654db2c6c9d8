"""Rows enter the lake as a table, a record batch reader or a DuckDB relation: the same content is the same version."""

import itertools
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from mlops_assets.errors import StoreError
from mlops_assets.stores import ordered, sql
from mlops_assets.stores import rows as kept_rows
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.log import Log
from mlops_assets.stores.rows import SPOOL

ROWS = pa.table({"id": pa.array(range(100_000), pa.int64()), "name": [f"ü{n % 7}" for n in range(100_000)]})


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake(tmp_path / "lake")


def spooled(lake: DeltaLake) -> list[str]:
    return [file.name for file in (lake.path / SPOOL).glob("*")]


def test_a_stream_is_the_same_version_as_its_table(lake: DeltaLake) -> None:
    first = lake.write("t", ROWS, batch="b")
    assert not lake.write("t", ROWS.to_reader(max_chunksize=1000), batch="b").changed
    with sql.connect(memory="500MB") as connection:
        connection.register("rows", ROWS)
        again = lake.write("t", connection.sql("select name, id from rows order by hash(id)"), batch="b")
        other = lake.write("t", connection.sql("select * from rows where id > 0"), batch="b")
    assert (again.changed, again.rows, again.fingerprint) == (False, 100_000, first.fingerprint)
    assert (other.changed, other.rows) == (True, 99_999)
    assert lake.fingerprint("t") == other.fingerprint
    assert spooled(lake) == []


def test_a_stream_fits_the_table_and_is_kept_in_its_types(lake: DeltaLake) -> None:
    lake.write("t", pa.table({"id": [1], "extra": ["x"]}), batch="a")
    with duckdb.connect() as connection:
        lake.write("t", connection.sql("select 2::bigint as id, 7::utinyint as small, 'y' as z"), batch="b")
        with pytest.raises(StoreError, match="column 'id' does not fit table 't'"):
            lake.write("t", connection.sql("select 'x' as id"), batch="c")
    assert lake.read("t", batches=["b"]).to_pylist() == [{"id": 2, "extra": None, "small": 7, "z": "y"}]
    assert lake.version("t") == 1


def test_rows_in_memory_keep_their_order_however_many_pieces_they_come_in(lake: DeltaLake) -> None:
    pieces = pa.concat_tables([ROWS.slice(start, 9_000) for start in range(0, ROWS.num_rows, 9_000)])
    for batch in ("a", "b", "b"):
        lake.write("t", pieces, batch=batch)
        lake.write("t", pieces.slice(1), batch=batch)
        assert lake.read("t", batches=[batch]) == ROWS.slice(1)


@pytest.fixture(params=[None, 100_000], ids=["one piece", "many pieces"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the pieces in which a stream is written: the lake's own, in which all of it fits, or one of few rows."""
    if request.param:
        monkeypatch.setattr(kept_rows, "PIECE", request.param)


@pytest.mark.usefixtures("size")
def test_a_stream_keeps_its_order_however_long_it_is(lake: DeltaLake) -> None:
    for batch, start in (("b", 0), ("a", 1), ("b", 2)):
        written = lake.write("t", ROWS.slice(start).to_reader(max_chunksize=1000), batch=batch)
        assert (written.changed, written.number) == (True, lake.version("t"))
        assert lake.read("t", batches=[batch]) == ROWS.slice(start)
    assert lake.read("t") == pa.concat_tables([ROWS.slice(1), ROWS.slice(2)])
    assert lake.read("t", version=1) == pa.concat_tables([ROWS.slice(1), ROWS])
    with sql.connect() as connection:
        assert connection.sql(f"select id, name from {lake.scan('t', batches=['b'])}").to_arrow_table() == ROWS.slice(2)
    assert (lake.version("t"), lake.tables(), spooled(lake)) == (2, ["t"], [])


@pytest.mark.usefixtures("size")
def test_a_long_stream_may_bring_columns_and_take_them_away(lake: DeltaLake) -> None:
    more = ROWS.append_column("more", ROWS.column("id"))
    lake.write("t", ROWS.slice(0, 10), batch="a")
    lake.write("t", more.to_reader(max_chunksize=1000), batch="b", commit={"why": "more"})
    assert lake.read("t", batches=["b"]) == more
    assert lake.read("t", batches=["a"]).column("more").null_count == 10
    lake.write("t", ROWS.slice(0, 0), batch="a")
    lake.write("t", more.drop_columns("id").to_reader(max_chunksize=1000), batch="b")
    assert lake.read("t") == more.drop_columns("id")
    batches = pa.array(["x", "y"] * 50_000)
    by = ROWS.append_column("by", batches)
    lake.restate("t", by.to_reader(max_chunksize=1000), by="by")
    assert lake.read("t", columns=["id", "name", "_batch"]) == by.rename_columns(["id", "name", "_batch"])
    assert [version.get("why") for version in lake.history("t")] == [None, "more", None, None, None]


def test_a_long_stream_gives_way_to_whoever_wrote_first(lake: DeltaLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "PIECE", 100_000)
    lake.write("t", ROWS.slice(0, 1), batch="a")
    others = iter([("c", 5), ("b", 7)])
    publish = ordered._publish

    def late(copy: Path, folder: Path, number: int) -> None:
        for batch, count in itertools.islice(others, 1):
            DeltaLake(lake.path).write("t", ROWS.slice(0, count), batch=batch)
        publish(copy, folder, number)

    monkeypatch.setattr(ordered, "_publish", late)
    written = lake.write("t", ROWS.to_reader(max_chunksize=1000), batch="b")
    assert (written.number, lake.batches("t")) == (3, ["a", "b", "c"])
    assert lake.read("t", batches=["b"]) == ROWS
    assert (list(Log.read(lake.path / "t").strays()), spooled(lake)) == ([], [])


def test_an_empty_stream_takes_the_batch_away(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="a")
    assert lake.write("t", ROWS.slice(0, 0).to_reader(), batch="a").rows == 0
    assert lake.batches("t") == []


def test_a_stream_that_breaks_off_leaves_nothing(lake: DeltaLake) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from ROWS.slice(0, 10).to_batches()
        raise ValueError("the line went dead")

    lake.write("t", ROWS, batch="a")
    with pytest.raises(ValueError, match="went dead"):
        lake.write("t", pa.RecordBatchReader.from_batches(ROWS.schema, broken()), batch="b")
    assert (lake.version("t"), lake.batches("t"), spooled(lake)) == (0, ["a"], [])


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 100 kB: the kernel refuses, half-way through a write, as it does on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("streamed", [False, True])
def test_on_a_full_disk_the_table_is_the_last_whole_version(
    lake: DeltaLake, streamed: bool, request: pytest.FixtureRequest
) -> None:
    large = pa.table({"id": pa.array(range(200_000), pa.int64()), "name": [str(n * 7919) for n in range(200_000)]})
    lake.write("t", large.slice(0, 10), batch="b")
    request.getfixturevalue("small_disk")
    with pytest.raises(StoreError, match="table 't' could not be written, its last version stays"):
        lake.write("t", large.to_reader() if streamed else large, batch="b")
    assert (lake.version("t"), lake.read("t").num_rows, spooled(lake)) == (0, 10, [])
    assert lake.write("t", large.slice(0, 20), batch="b").number == 1
    assert lake.read("t").sort_by("id").equals(large.slice(0, 20))
