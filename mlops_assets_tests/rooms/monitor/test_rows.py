import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.rooms.monitor import rows as module
from mlops_assets.rooms.monitor.drift import drift
from mlops_assets.rooms.monitor.reference import chunks_of, days_of
from mlops_assets.rooms.monitor.rows import Picked, pieces, spread
from mlops_assets.rooms.monitor.summary import summary
from mlops_assets.rooms.monitor.sums import sums_of
from mlops_assets_tests.rooms.monitor.days import reference, window


@pytest.fixture
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 37)


def numbers(rows: module.Rows) -> list[int]:
    return [value for piece in pieces(rows) for value in piece.column("n").to_pylist()]


@pytest.mark.usefixtures("few_at_a_time")
def test_pieces_together_are_the_rows_in_their_order() -> None:
    rows = pa.table({"n": np.arange(500)})
    shuffled = np.random.default_rng(0).permutation(500)
    assert numbers(rows) == list(range(500))
    assert numbers(spread(rows, 90)) == [place * 500 // 90 for place in range(90)]
    assert (
        numbers(spread(spread(rows, 90), 7)) == spread(rows, 90).column("n").to_numpy()[np.arange(7) * 90 // 7].tolist()
    )
    assert numbers(Picked(rows, shuffled)) == shuffled.tolist()
    assert not numbers(Picked(rows, shuffled[:0]))
    assert max(piece.num_rows for piece in pieces(rows)) == 37


@pytest.mark.usefixtures("few_at_a_time")
@pytest.mark.parametrize("given", [{"rows": 17}, {"rows": 60}, {"timed": False}, {"days": 1, "rows": 5}])
def test_days_are_counted_some_rows_at_a_time_as_all_at_once(given: dict[str, int]) -> None:
    rows = window(**given)  # type: ignore[arg-type]  # the window's own words
    days, chunks = days_of(rows), chunks_of(rows)
    assert (days.count, days.in_time) == (chunks.count, chunks.in_time)
    assert not days.count or np.median(days.sizes) == np.median(chunks.sizes())


def test_rows_looked_at_some_at_a_time_show_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    known, given = reference(), window(shift=0.5, rows=100)
    whole, sums = drift(given, known), summary(known, 1_000).sums
    monkeypatch.setattr(module, "PIECE", 101)
    pieced = drift(given, known)
    assert pieced.faults == whole.faults
    assert [one.figure for one in pieced.shifts] == pytest.approx([one.figure for one in whole.shifts], rel=1e-4)
    assert [one.threshold for one in pieced.shifts] == pytest.approx([one.threshold for one in whole.shifts], rel=1e-4)
    assert np.allclose(summary(known, 1_000).sums.table(), sums.table(), rtol=1e-4, atol=1e-2)


def test_a_window_of_one_chunk_is_all_of_its_rows() -> None:
    known = reference(days=14)
    encoding = summary(known, 1_000).encoding
    found = sums_of(encoding, known.rows)
    assert found.rows.tolist() == [known.rows.num_rows]
    assert found.counts.sum() == known.rows.num_rows * 3
