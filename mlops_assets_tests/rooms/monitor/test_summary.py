from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlops_assets.rooms.monitor import summary as module
from mlops_assets.rooms.monitor.drift import drift
from mlops_assets.rooms.monitor.reference import Reference
from mlops_assets.rooms.monitor.summary import dumps, loads, summary
from mlops_assets.stores.cache import FolderCache
from mlops_assets_tests.rooms.monitor.days import reference, window


@pytest.fixture(scope="module")
def known() -> Reference:
    return replace(reference(days=30, carriers="ABÄ☃"), digest="a")


@pytest.fixture
def held(tmp_path: Path) -> FolderCache:
    return FolderCache(tmp_path / "cache")


def unasked(*_: object) -> None:
    raise AssertionError("the reference was summed up again")


@pytest.mark.parametrize("rows", [60, 20, 1])
def test_a_restart_finds_what_was_summed_up_and_judges_bit_by_bit_alike(
    known: Reference, held: FolderCache, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    given = window(days=max(1, rows // 5), rows=max(30, rows), shift=0.2)
    first = drift(given, known, held=held)
    monkeypatch.setattr(module, "_summed", unasked)
    assert repr(drift(given, known, held=held)) == repr(first)
    monkeypatch.undo()
    assert repr(drift(given, known)) == repr(first)


def test_without_event_times_it_is_the_same(held: FolderCache) -> None:
    known = replace(reference(days=60, timed=False), digest="b")
    given = window(timed=False)
    assert repr(drift(given, known, held=held)) == repr(drift(given, known)) == repr(drift(given, known, held=held))


def test_bytes_are_read_back_as_they_were(known: Reference) -> None:
    made = summary(known, 1_000)
    assert dumps(loads(dumps(made))) == dumps(made)
    assert loads(dumps(made)).encoding.columns[1].edges.tolist() == made.encoding.columns[1].edges.tolist()


def test_another_model_window_size_or_code_is_summed_up_by_itself(
    known: Reference, held: FolderCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> int:
        return len(list(held.root.rglob("[!.]*"))) - len(list(held.root.iterdir()))

    summary(known, 1_000, held=held)
    summary(known, 5_000, held=held)
    assert files() == 1
    summary(replace(known, digest="c"), 1_000, held=held)
    assert files() == 2
    summary(known, 30, held=held)
    summary(known, 1_000, kept=900, held=held)
    assert files() == 4
    monkeypatch.setattr(module, "_statistics", lambda: "other code")
    summary(known, 1_000, held=held)
    assert files() == 5


def test_a_torn_file_is_made_anew(known: Reference, held: FolderCache) -> None:
    made = dumps(summary(known, 1_000, held=held))
    (file,) = (path for path in held.root.rglob("*") if path.is_file())
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    assert dumps(summary(known, 1_000, held=held)) == made
    assert file.read_bytes() == whole


def test_nothing_is_kept_of_a_reference_without_a_digest(held: FolderCache) -> None:
    summary(reference(days=14), 1_000, held=held)
    assert not held.root.exists()


def test_the_sizes_of_kept_chunks_are_those_of_the_rows(known: Reference) -> None:
    kept = loads(dumps(summary(known, 30)))
    assert np.array_equal(kept.chunks.sizes(), summary(known, 30).chunks.sizes())
    assert kept.bounds.chunks.sizes().sum() == known.rows.num_rows
