"""Whatever lands: a clear error or a batch, every row somewhere, and nothing written outside the home."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlops_assets import keys
from mlops_assets.errors import LandingError, MlopsError
from mlops_assets.rooms.ingest import landing, readers
from mlops_assets.rooms.validate.batch import validate_batch
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.spec.source import Source
from mlops_assets.stores.delta import DeltaLake

ODD = ["a", "A", "a b", "", " ", "_batch", "_row", "select", "'; drop table t; --", '"', "it's", "ü", "../x", "\0"]
NAMES = st.sampled_from([*ODD, "x" * 300]) | st.text(max_size=6)
NO_VALUES = ["", "NULL", "nan", "-inf", "1e999", "9" * 40, "0000-00-00", "10000-01-01", "1970-01-01T25:00", "'); --"]
TEXTS = st.sampled_from(NO_VALUES) | st.text(max_size=8)
VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
SHAPE = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Land:
    """A home in a folder of its own, and what is around it."""

    around: Path

    @property
    def home(self) -> Path:
        return self.around / "home"

    def take(self, name: str, content: bytes, key: tuple[str, ...] = ()) -> tuple[int, int] | None:
        """Land a file and take it the way to clean; rows read and rows found again, or None where it was refused."""
        dataset = Dataset(name="odd", source=Source(files="data/landing/*"), key=key)
        file = self.home / "data/landing" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        lake = DeltaLake(self.home / "data/lake")
        try:
            arrival = landing.locate(dataset, self.home, landing.batch_name(file))
            table = keys.raw_table("odd", arrival.batch)
            with readers.opened(arrival.path) as rows:
                read = lake.write(table, rows, batch=arrival.batch).rows
            if not read:
                return 0, 0
            found = validate_batch(lake, DatasetPlan(dataset), arrival.batch, self.home)
        except MlopsError:
            return None
        assert found.conserved, found.account
        kept = sum(lake.read(table).num_rows for table in ("odd/quarantine", "odd/clean") if lake.exists(table))
        return read, kept + found.merged


def taken(name: str, content: bytes) -> tuple[int, int] | None:
    """Land a file in a fresh home, and look whether anything was written around it."""
    with TemporaryDirectory() as around:
        land = Land(Path(around))
        found = land.take(name, content)
        assert [path.name for path in Path(around).iterdir()] == ["home"]
        assert sorted(path.name for path in land.home.iterdir()) == ["data"]
        assert (land.home / "data/landing" / name).read_bytes() == content
    return found


def conserved(found: tuple[int, int] | None, rows: int | None = None) -> None:
    if found is not None:
        read, kept = found
        assert read == kept
        if rows is not None:
            assert read == rows


@SHAPE
@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(st.lists(TEXTS, min_size=4, max_size=4), max_size=5))
@example(["id", "at"], [["1", "10000-01-01", "", ""], ["x", "-infinity", "", ""]])
def test_any_csv_is_refused_or_kept_row_for_row(names: list[str], rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *(row[: len(names)] for row in rows)])
    conserved(taken("2013-01.csv", text.getvalue().encode("utf-8", "surrogatepass")), len(rows))


@SHAPE
@given(st.binary(max_size=200), st.sampled_from([".csv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.zst"]))
@example("ä;ö\n1;2\n".encode("latin-1"), ".csv")
@example("a,b\n1,2\n".encode("utf-16"), ".csv")
@example(b"PAR1" + b"\xff" * 60 + b"PAR1", ".parquet")
def test_any_bytes_are_refused_or_kept(content: bytes, suffix: str) -> None:
    conserved(taken(f"2013-01{suffix}", content))


@SHAPE
@given(st.lists(st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2), max_size=3), max_size=5))
def test_any_json_lines_are_refused_or_kept_row_for_row(rows: list[dict[str, Any]]) -> None:
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    conserved(taken("2013-01.jsonl", content), len(rows))


def columns() -> Iterator[st.SearchStrategy[pa.Array]]:
    """Arrow columns of three rows, of the kinds that files bring, with their extremes."""

    def of(kind: pa.DataType, values: st.SearchStrategy[Any]) -> st.SearchStrategy[pa.Array]:
        return st.lists(st.none() | values, min_size=3, max_size=3).map(lambda found: pa.array(found, kind))

    yield of(pa.int64(), st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]))
    yield of(pa.float64(), st.floats())
    yield of(pa.string(), TEXTS.map(lambda text: text.encode("utf-8", "replace").decode()))
    yield of(pa.timestamp("us"), st.sampled_from([0, 2**62, -(2**62), 253402300800_000000]))
    yield of(pa.date32(), st.integers(-(2**31), 2**31 - 1))
    yield of(pa.binary(), st.binary(max_size=4))
    yield of(pa.uint64(), st.integers(0, 2**64 - 1))
    yield st.just(pa.array([[1], None, []], pa.list_(pa.int8())))
    yield st.just(pa.nulls(3))


@SHAPE
@given(st.lists(st.tuples(NAMES, st.one_of(*columns())), min_size=1, max_size=5))
def test_any_parquet_is_refused_or_kept_row_for_row(made: list[tuple[str, pa.Array]]) -> None:
    sink = io.BytesIO()
    try:
        pq.write_table(pa.table([column for _, column in made], names=[name for name, _ in made]), sink)
    except (pa.ArrowException, UnicodeEncodeError, OSError):
        return
    conserved(taken("2013-01.parquet", sink.getvalue()), 3)


@pytest.mark.parametrize("name", ["a..b.csv", "..%2F..%2Fetc.csv", "-rf.csv", "it's.csv", "a;b.csv", "a\nb.csv"])
def test_a_name_that_leads_elsewhere_is_no_batch(name: str) -> None:
    assert taken(name, b"a\n1\n") is None


def test_a_glob_that_leads_out_of_its_folder_takes_no_hidden_file(tmp_path: Path) -> None:
    dataset = Dataset(name="odd", source=Source(files="data/landing/../../.*"))
    (tmp_path / ".secret.csv").write_text("a\n1\n")
    assert landing.arrivals(dataset, tmp_path) == []


@pytest.mark.slow
def test_ten_thousand_columns_enter_the_lake(tmp_path: Path) -> None:
    names = ",".join(f"c{n}" for n in range(10_000))
    (tmp_path / "2013-01.csv").write_text(f"{names}\n{names}\n")
    with readers.opened(tmp_path / "2013-01.csv") as rows:
        assert DeltaLake(tmp_path / "lake").write("odd/raw/2013-01", rows, batch="2013-01").rows == 1


def test_extreme_numbers_keep_their_text(tmp_path: Path) -> None:
    file = tmp_path / "2013-01.jsonl"
    file.write_text(f'{{"n": {10**400}, "x": 1e999, "s": "a\\u0000b"}}\n')
    assert readers.read(file).to_pylist() == [{"n": str(10**400), "x": "1e999", "s": "a\0b"}]
    conserved(taken(file.name, file.read_bytes()), 1)


def test_a_day_that_no_calendar_has_refuses_the_file_by_column(tmp_path: Path) -> None:
    file = tmp_path / "2013-01.parquet"
    pq.write_table(pa.table({"day": pa.array([0, 2**31 - 1], pa.date32())}), file)
    with pytest.raises(LandingError, match="column 'day' holds days outside the years 1 to 9999"):
        readers.read(file)
