"""The lake on Delta: what a write leaves behind, also when somebody interferes or kills it."""

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from mlops_assets.errors import Conflict, NotFound, StoreError, UnknownName
from mlops_assets.stores import delta, opening, sql
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.rows import kept

ROWS = pa.table({"id": [1, 2, 3], "name": ["a", None, "ü"]})
WRITER = """
import sys, pyarrow as pa
from pathlib import Path
from mlops_assets.stores.delta import DeltaLake
lake = DeltaLake(Path(sys.argv[1]))
start = int(sys.argv[2])
for n in range(start, start + 10_000):
    lake.write("t", pa.table({"n": pa.array([n] * 5_000)}), batch="b")
    print("wrote", flush=True)
"""


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake(tmp_path / "la ke's ü=1*")


@pytest.mark.slow
def test_a_killed_write_leaves_the_last_whole_version(tmp_path: Path) -> None:
    lake = DeltaLake(tmp_path)
    lake.write("t", pa.table({"n": pa.array([7] * 100)}), batch="other")
    chance = random.Random(2013)  # noqa: S311 - the moments of the kills, repeatable
    for attempt in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(attempt * 10_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "wrote\n"
            time.sleep(chance.uniform(0, 0.3))
            writer.send_signal(signal.SIGKILL)
        assert set(lake.read("t", batches=["other"]).column("n").to_pylist()) == {7}
        rows = lake.read("t", batches=["b"]).column("n").to_pylist()
        assert len(rows) == 5_000
        assert len(set(rows)) == 1
        assert lake.fingerprint("t", batch="b") == lake.history("t")[-1]["fingerprint"]
    assert lake.write("t", ROWS.select(["id"]).rename_columns(["n"]), batch="b").changed


def test_writers_of_different_batches_all_land(lake: DeltaLake) -> None:
    def write(number: int) -> None:
        for turn in range(3):
            lake.write("t", pa.table({"n": [number, turn]}), batch=str(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lake.batches("t") == ["0", "1", "2", "3"]
    assert sorted(lake.read("t").column("n").to_pylist()) == sorted([0, 1, 2, 3] + [2] * 4)


def test_writers_of_one_batch_never_double_it(lake: DeltaLake) -> None:
    lake.write("t", pa.table({"n": [-1]}), batch="other")

    def write(number: int) -> None:
        lake.write("t", pa.table({"n": [number] * 10}), batch="b")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = lake.read("t", batches=["b"]).column("n").to_pylist()
    assert len(rows) == 10
    assert len(set(rows)) == 1


def test_a_write_that_always_loses_ends_in_a_conflict(lake: DeltaLake, monkeypatch: pytest.MonkeyPatch) -> None:
    from deltalake.exceptions import CommitFailedError

    def lose(*_: object) -> None:
        raise CommitFailedError

    monkeypatch.setattr(delta, "ATTEMPTS", 3)
    monkeypatch.setattr(lake, "_write_once", lose)
    with pytest.raises(Conflict, match="3 times"):
        lake.write("t", ROWS, batch="b")


def test_the_only_batch_may_come_back_with_other_columns(lake: DeltaLake) -> None:
    lake.write("flights/raw/2013-01", ROWS, batch="2013-01")
    mended = pa.table({"id": ["one"], "extra": [1.5]})
    assert lake.write("flights/raw/2013-01", mended, batch="2013-01").changed
    assert lake.read("flights/raw/2013-01").equals(mended)


def test_a_table_replaced_on_a_stale_view_conflicts(lake: DeltaLake) -> None:
    from deltalake.exceptions import CommitFailedError

    from mlops_assets.stores import commits

    lake.write("t", ROWS, batch="a")
    stale = lake._open("t")
    lake.write("t", ROWS, batch="b")
    with kept(pa.table({"id": ["x"]}), lake.path) as rows, pytest.raises(CommitFailedError):
        commits.overwrite(stale, rows, "a", "f", {}, replaced=True)
    assert lake.read("t").num_rows == 6


def test_a_new_column_is_null_in_the_batches_before_it(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="a")
    lake.write("t", ROWS.append_column("z", pa.array([[1], [2], [3]])), batch="b")
    lake.write("t", ROWS.select(["id"]), batch="c")
    assert lake.read("t", batches=["a"]).column("z").null_count == 3
    assert lake.read("t", batches=["c"]).column("name").null_count == 3
    assert not lake.write("t", ROWS.select(["id"]), batch="c").changed
    assert not lake.write("t", ROWS, batch="a").changed


def test_a_column_of_another_type_is_refused_by_name(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="a")
    with pytest.raises(StoreError, match="column 'id' does not fit table 't'; got: string; allowed: int64"):
        lake.write("t", pa.table({"id": ["x"]}), batch="b")
    assert lake.version("t") == 0


def test_a_table_that_lost_all_its_rows_keeps_its_schema(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="a")
    gone = lake.write("t", ROWS.slice(0, 0), batch="a")
    assert (gone.rows, gone.changed, lake.batches("t")) == (0, True, [])
    assert lake.read("t").schema.equals(ROWS.schema)
    assert lake.read("t", version=0).num_rows == 3


def test_every_type_that_files_bring_is_kept_or_refused(lake: DeltaLake) -> None:
    at = datetime(2013, 1, 1, 5, tzinfo=UTC)
    data = pa.table(
        {
            "small": pa.array([200], pa.uint8()),
            "large": pa.array([2**64 - 1], pa.uint64()),
            "half": pa.array([1.5], pa.float16()),
            "zoned": pa.array([at], pa.timestamp("ns", "America/New_York")),
            "local": pa.array([at.replace(tzinfo=None)], pa.timestamp("s")),
            "nothing": pa.nulls(1),
            "word": pa.array(["x"]).dictionary_encode(),
            "hour": pa.array([3_600_000_000], pa.time64("us")),
            "list": pa.array([["x"]], pa.large_list(pa.large_string())),
            "struct": pa.array([{"a": 1}], pa.struct([("a", pa.uint8())])),
        }
    )
    lake.write("t", data, batch="b")
    read = lake.read("t").to_pylist()[0]
    assert read["small"] == 200
    assert int(read["large"]) == 2**64 - 1
    assert read["zoned"] == at
    assert (read["nothing"], read["word"], read["list"], read["struct"]) == (None, "x", ["x"], {"a": 1})
    assert str(lake.read("t").schema.field("zoned").type) == "timestamp[us, tz=UTC]"
    assert not lake.write("t", data, batch="b").changed
    with pytest.raises(StoreError, match="column 'd' has a type"):
        lake.write("u", pa.table({"d": pa.array([1], pa.duration("us"))}), batch="b")


@pytest.mark.parametrize("name", ["../up", "/root", "a//b", "it's", 'a"b', "", ".hidden", "a/../b", "x\ny", "a*"])
def test_a_name_that_could_escape_is_refused(lake: DeltaLake, name: str) -> None:
    with pytest.raises(StoreError, match="not a name for a table"):
        lake.write(name, ROWS, batch="b")
    with pytest.raises(StoreError, match="not a name for a batch"):
        lake.write("t", ROWS, batch=name)


@pytest.mark.parametrize("names", [["id", "ID"], ["_batch"]])
def test_columns_that_cannot_be_told_apart_are_refused(lake: DeltaLake, names: list[str]) -> None:
    with pytest.raises(StoreError, match="column"):
        lake.write("t", pa.table([[1]] * len(names), names=names), batch="b")


@pytest.mark.parametrize("name", ["a[b]", "a?b", "a#b", "a%20b"])
def test_a_folder_that_delta_cannot_address_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot address this folder"):
        DeltaLake(tmp_path / name).write("t", ROWS, batch="b")


def test_what_is_not_there_is_named(lake: DeltaLake) -> None:
    with pytest.raises(NotFound, match="no table 't'"):
        lake.read("t")
    lake.write("t", ROWS, batch="b")
    with pytest.raises(NotFound, match="allowed: 0 to 0"):
        lake.read("t", version=1)
    with pytest.raises(UnknownName, match="did you mean 'name'"):
        lake.read("t", columns=["nam"])
    with pytest.raises(StoreError, match="cannot be read"):
        lake.read("t", where="nonsense >")


def test_a_scan_is_a_relation_in_any_query(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="2013-01")
    lake.write("t", ROWS, batch="2013-02")
    with sql.connect() as connection:
        query = f"SELECT _batch, count(*) FROM {lake.scan('t')} AS t WHERE t.id > 1 GROUP BY 1 ORDER BY 1"
        assert connection.execute(query).fetchall() == [("2013-01", 2), ("2013-02", 2)]
        assert connection.execute(f"SELECT count(*) FROM {lake.scan('t', version=0)}").fetchall() == [(3,)]


def test_history_is_kept_for_ever_and_tells_what_the_commit_carried(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="a", commit={"run": "r1"})
    lake.write("t", ROWS, batch="b")
    first, second = lake.history("t")
    assert (first["number"], first["batch"], first["run"]) == ("0", "a", "r1")
    assert second["fingerprint"] == lake.fingerprint("t", batch="b")
    assert "duckdb" in second["fingerprint_by"]
    kept = lake._open("t").metadata().configuration
    assert kept["delta.logRetentionDuration"] == kept["delta.deletedFileRetentionDuration"] == "interval 36500 days"


def test_a_table_with_partition_folders_is_refused_rather_than_misread(lake: DeltaLake) -> None:
    from deltalake import write_deltalake

    write_deltalake(lake.path / "foreign", pa.table({"a": [1], "b": ["x"]}), partition_by=["b"])
    with pytest.raises(StoreError, match="was not written by this lake"):
        lake.read("foreign")


def test_a_table_is_opened_once_until_its_log_grows(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="a")
    opened = opening.shared(lake.path, "t")
    assert opening.shared(lake.path, "t") is opened
    DeltaLake(lake.path).write("t", ROWS, batch="b")
    assert opened.version() == 0
    assert opening.shared(lake.path, "t").version() == lake.version("t") == 1


def test_a_table_that_was_made_anew_is_not_the_one_that_was_opened(lake: DeltaLake) -> None:
    lake.write("t", ROWS, batch="a")
    assert lake.read("t").num_rows == ROWS.num_rows
    shutil.rmtree(lake.path / "t")
    assert not lake.exists("t")
    lake.write("t", ROWS.slice(0, 1), batch="a")
    assert lake.read("t").num_rows == 1
