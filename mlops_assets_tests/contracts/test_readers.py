"""Every registered reader gives back what was written, and refuses a file that is not whole or not what it says."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_assets.errors import LandingError
from mlops_assets.rooms.ingest.readers import READERS, read

ROWS = 5000
SUFFIXES = sorted(READERS)
TEXTS = [suffix for suffix in SUFFIXES if suffix != ".parquet"]
COMPRESSED = [suffix for suffix in SUFFIXES if suffix.endswith((".gz", ".zst"))]


def compressed(content: bytes, suffix: str) -> bytes:
    if suffix.endswith(".gz"):
        return gzip.compress(content)
    if suffix.endswith(".zst"):
        return bytes(pa.Codec("zstd").compress(content, asbytes=True))
    return content


def content(suffix: str, rows: int = ROWS) -> bytes:
    """A file of `rows` rows with the columns `id` and `it's, "so"`."""
    numbers = range(1, rows + 1)
    if suffix == ".parquet":
        sink = io.BytesIO()
        pq.write_table(pa.table({"id": list(numbers), 'it\'s, "so"': [f"é{n * 7919}" for n in numbers]}), sink)
        return sink.getvalue()
    if suffix.startswith(".csv"):
        text = 'id,"it\'s, ""so"""\n' + "".join(f"{n},é{n * 7919}\n" for n in numbers)
    elif suffix.startswith((".jsonl", ".ndjson")):
        text = "".join(f'{{"id": {n}, "it\'s, \\"so\\"": "é{n * 7919}"}}\n' for n in numbers)
    else:
        pytest.fail(f"the reader of {suffix} has no example: write one here")
    return compressed(text.encode(), suffix)


@pytest.fixture
def landed(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def land(name: str, data: bytes) -> Path:
        path = tmp_path / "odd [name]*" / "year=2013" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return land


Land = Callable[[str, bytes], Path]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_whole_file_is_read_as_it_arrived(landed: Land, suffix: str) -> None:
    table = read(landed(f"2013-01{suffix}", content(suffix)))
    assert table.column_names == ["id", 'it\'s, "so"']
    assert table.num_rows == ROWS
    assert [str(value) for value in table.column("id").to_pylist()[:2]] == ["1", "2"]
    assert table.column(1)[-1].as_py() == f"é{ROWS * 7919}"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_refused_by_name(landed: Land, suffix: str) -> None:
    with pytest.raises(LandingError, match=rf"2013-01{suffix}.*empty"):
        read(landed(f"2013-01{suffix}", b""))


@pytest.mark.parametrize("suffix", [*COMPRESSED, ".parquet"])
@pytest.mark.parametrize("left", [0.3, 0.7, 0.999])
def test_a_file_that_was_cut_off_is_refused_not_read_in_part(landed: Land, suffix: str, left: float) -> None:
    whole = content(suffix)
    with pytest.raises(LandingError, match="2013-01"):
        read(landed(f"2013-01{suffix}", whole[: int(len(whole) * left)]))


@pytest.mark.parametrize("suffix", [suffix for suffix in TEXTS if suffix not in COMPRESSED])
def test_a_text_cut_in_the_middle_of_a_row_is_refused(landed: Land, suffix: str) -> None:
    whole = content(suffix)
    end = whole.rindex(b"," if suffix == ".csv" else b"}")
    with pytest.raises(LandingError, match=rf"cannot be read as {suffix}"):
        read(landed(f"2013-01{suffix}", whole[:end]))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("other", [".csv.gz", ".csv.zst", ".parquet", ".xlsx"])
def test_a_file_is_what_its_suffix_says(landed: Land, suffix: str, other: str) -> None:
    """A file of another kind, or plain text where that would be the same kind."""
    same = other == suffix or other[-3:] == suffix[-3:] == ".gz" or other[-4:] == suffix[-4:] == ".zst"
    found = b"a,b\n1,2\n" if same else b"PK\x03\x04..." if other == ".xlsx" else content(other)
    with pytest.raises(LandingError, match=rf"2013-01{suffix}: not what its suffix {suffix} says: it looks like"):
        read(landed(f"2013-01{suffix}", found))


@pytest.mark.parametrize("suffix", TEXTS)
def test_binary_content_is_no_text(landed: Land, suffix: str) -> None:
    with pytest.raises(LandingError, match="2013-01"):
        read(landed(f"2013-01{suffix}", compressed(bytes(range(256)) * 20, suffix)))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_is_not_utf8_is_refused(landed: Land, suffix: str) -> None:
    damaged = content(suffix).replace("é".encode(), b"\xe9", 1)
    with pytest.raises(LandingError, match="2013-01"):
        read(landed(f"2013-01{suffix}", damaged))


def test_a_suffix_without_a_reader_names_those_there_are(landed: Land) -> None:
    with pytest.raises(LandingError, match=r"no reader for this suffix; allowed: \.csv, "):
        read(landed("2013-01.xlsx", b"PK\x03\x04"))


@pytest.mark.parametrize("header", ["a,a", "a,A", "a,", "a,_batch"])
def test_columns_have_names_of_their_own(landed: Land, header: str) -> None:
    with pytest.raises(LandingError, match="column"):
        read(landed("2013-01.csv", f"{header}\n1,2\n".encode()))
    sink = io.BytesIO()
    pq.write_table(pa.table([[1], [2]], names=header.split(",")), sink)
    with pytest.raises(LandingError, match="column"):
        read(landed("2013-01.parquet", sink.getvalue()))


def test_a_csv_without_rows_is_a_table_without_rows(landed: Land) -> None:
    assert read(landed("2013-01.csv", b"a,b")).num_rows == 0


def test_csv_values_stay_text_and_only_unquoted_emptiness_is_null(landed: Land) -> None:
    table = read(landed("2013-01.csv", b'\xef\xbb\xbfzip;x\r\n00123;\r\n1e3;""\r\n'))
    assert table.to_pylist() == [{"zip": "00123", "x": None}, {"zip": "1e3", "x": ""}]


def test_a_ragged_csv_names_the_line(landed: Land) -> None:
    with pytest.raises(LandingError, match="Line: 3"):
        read(landed("2013-01.csv", b"a,b\n1,2\n3\n"))


def test_json_lines_keep_every_key_and_huge_number_as_text(landed: Land) -> None:
    lines = b'{"a": 123456789012345678901234567890}\n{"b": [1, {"c": 2}], "a": null}\n{"a": true}\n'
    assert read(landed("2013-01.jsonl", lines)).to_pylist() == [
        {"a": "123456789012345678901234567890", "b": None},
        {"a": None, "b": '[1,{"c":2}]'},
        {"a": "true", "b": None},
    ]


def test_json_lines_of_one_key_are_that_column(landed: Land) -> None:
    assert read(landed("2013-01.jsonl", b'{"a": 1}\n\n{"a": 2}\n')).to_pylist() == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize("line", [b"5\n", b"[1]\n", b'{"a": 1, "a": 2}\n', b"{}\n", b'{"a": 1}\n7\n'])
def test_a_json_line_is_an_object_with_keys_of_its_own(landed: Land, line: bytes) -> None:
    with pytest.raises(LandingError, match="2013-01"):
        read(landed("2013-01.jsonl", line))


def test_parquet_types_that_no_table_holds_become_wider_or_text(landed: Land) -> None:
    sink = io.BytesIO()
    unusual = {
        "unsigned": pa.array([2**63], pa.uint64()),
        "nothing": pa.nulls(1),
        "naive": pa.array([1], pa.timestamp("ns")),
        "nested": pa.array([[1, 2]]),
        "clock": pa.array([1], pa.time64("us")),
        "category": pa.array(["x"]).dictionary_encode(),
    }
    pq.write_table(pa.table(unusual), sink)
    table = read(landed("2013-01.parquet", sink.getvalue()))
    assert table.schema.field("naive").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("nested").type == pa.string()
    assert int(table.column("unsigned")[0].as_py()) == 2**63
    assert table.column("category").to_pylist() == ["x"]


def test_ten_thousand_columns_are_read(landed: Land) -> None:
    names = ",".join(f"c{n}" for n in range(10_000))
    assert read(landed("2013-01.csv", f"{names}\n{names}\n".encode())).num_columns == 10_000
