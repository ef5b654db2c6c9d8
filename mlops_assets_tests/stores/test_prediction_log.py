"""A record is whole or nothing: torn tails, wrong sums, full disks, dead writers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_assets.errors import StoreError
from mlops_assets.stores.prediction_log import LogWriter, read, replayed, seal_orphans, segments, take


def test_records_come_back_in_order_from_sealed_segments(tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "late")
    log.write([b'{"id": 1}', b'{"id": 2}'])
    log.seal()
    log.write([b'{"id": 3}'])
    log.seal()
    log.sync()
    found = segments(tmp_path / "late")
    assert [segment.number for segment in found] == [0, 1]
    assert [read(segment.path).records for segment in found] == [[{"id": 1}, {"id": 2}], [{"id": 3}]]
    take(found[0])
    assert [segment.number for segment in segments(tmp_path / "late")] == [1]
    assert [record["id"] for record in replayed(tmp_path / "late")] == [1, 2, 3]


def test_a_segment_is_sealed_by_age_and_by_size(tmp_path: Path) -> None:
    young = LogWriter(tmp_path, seconds=1e9, size=50)
    young.write([b'{"id": 1}'])
    young.seal_if_due()
    assert not segments(tmp_path)
    young.write([b'{"id": "a long one that fills it up"}'])
    young.seal_if_due()
    assert len(segments(tmp_path)) == 1


def test_a_torn_tail_and_a_wrong_sum_are_not_believed(tmp_path: Path) -> None:
    log = LogWriter(tmp_path)
    log.write([b'{"id": 1}', b'{"id": 2}', b'{"id": 3}'])
    log.seal()
    [segment] = segments(tmp_path)
    content = segment.path.read_bytes()
    segment.path.write_bytes(content.replace(b'"id": 2', b'"id": 9')[:-4])
    frames = read(segment.path)
    assert (frames.records, frames.torn, frames.damaged) == ([{"id": 1}], True, 1)


def test_half_a_write_is_taken_back_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = LogWriter(tmp_path), os.write
    log.write([b'{"id": 1}'])
    monkeypatch.setattr(os, "write", lambda file, lines: write(file, lines[:10]))
    with pytest.raises(StoreError, match="No space left"):
        log.write([b'{"id": 2}'])
    assert log.trouble == "No space left on device"
    log.retry()
    assert log.trouble, "there is still no room"
    monkeypatch.setattr(os, "write", write)
    log.retry()
    assert not log.trouble
    log.write([b'{"id": 3}'])
    log.seal()
    frames = read(segments(tmp_path)[0].path)
    assert (frames.records, frames.torn, frames.damaged) == ([{"id": 1}, {"id": 3}], False, 0)


def test_a_dead_writers_segment_is_sealed_and_a_living_ones_is_not(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from mlops_assets.stores.prediction_log import LogWriter;"
        "log = LogWriter(Path(sys.argv[1])); log.write([b'{\"id\": 1}']); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    living = LogWriter(tmp_path)
    living.write([b'{"id": 2}'])
    assert seal_orphans(tmp_path) == 1
    assert [record["id"] for record in read(segments(tmp_path)[0].path).records] == [1]
    assert len(list(tmp_path.glob("*.open"))) == 1
