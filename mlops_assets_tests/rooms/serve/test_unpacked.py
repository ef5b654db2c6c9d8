"""A packed Arrow body is weighed before it is unpacked."""

import io
import struct

import msgspec
import pyarrow as pa
import pytest

from mlops_assets.rooms.serve import columns
from mlops_assets.rooms.serve.problems import Problem
from mlops_assets.rooms.serve.question import Questions
from mlops_assets.rooms.serve.unpacked import unpacked

SCHEMA = [{"name": "text", "kind": "category", "nullable": True, "unknown": "allow", "categories": [], "log": "keep"}]


def packed(table: pa.Table, codec: str | None, *, file: bool = False) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    make = pa.ipc.new_file if file else pa.ipc.new_stream
    with make(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_small_body_that_would_be_huge_is_refused_unread(
    codec: str, file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "BYTES", 1_000_000)
    body = packed(pa.table({"text": ["a" * 100_000] * 40}), codec, file=file)
    assert len(body) < 100_000
    monkeypatch.setattr(pa.ipc, "open_stream", None)
    with pytest.raises(Problem) as found:
        columns.read(Questions(SCHEMA), body, columns.ARROW)
    assert (found.value.status, found.value.faults[0]["problem"]) == (413, "too large when it is unpacked")


@pytest.mark.parametrize("codec", ["zstd", "lz4", None])
def test_it_is_weighed_with_its_dictionaries_and_a_fit_one_is_read(codec: str | None) -> None:
    words = pa.array(["yes" * 100, "no" * 100] * 500)
    table = pa.table({"text": words.dictionary_encode()})
    body = packed(table, codec)
    assert 4_000 <= unpacked(pa.py_buffer(body)) < 6_000
    plain = pa.table({"text": words})
    assert unpacked(pa.py_buffer(packed(plain, codec))) >= 250_000
    short = pa.table({"text": ["yes", None, "no"]})
    for file in (False, True):
        found = columns.read(Questions(SCHEMA), packed(short, codec, file=file), columns.ARROW)
        assert [msgspec.structs.astuple(row) for row in found.rows] == [("yes",), (None,), ("no",)]


def test_a_body_that_lies_about_its_lengths_is_a_bad_request() -> None:
    body = packed(pa.table({"text": ["a" * 10_000]}), "zstd")
    size = struct.pack("<q", 10_000)
    assert body.count(size) >= 1
    for lie in (struct.pack("<q", 1 << 60), struct.pack("<q", 5)):
        with pytest.raises(Problem) as found:
            columns.read(Questions(SCHEMA), body.replace(size, lie), columns.ARROW)
        assert found.value.status in (400, 413)
    with pytest.raises(Problem) as found:
        columns.read(Questions(SCHEMA), body[:-40], columns.ARROW)
    assert found.value.status == 400
