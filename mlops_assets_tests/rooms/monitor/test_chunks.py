import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mlops_assets.rooms.monitor.chunks import MIN_ROWS, cut, thin


def times(*sizes: int) -> NDArray[np.datetime64]:
    start = np.datetime64("2024-03-01", "D")
    return np.repeat(start + np.arange(len(sizes)), sizes).astype("datetime64[us]")


@given(st.lists(st.integers(1, 80), min_size=1, max_size=40))
def test_every_row_is_in_a_chunk_of_at_least_thirty_and_time_goes_forward(sizes: list[int]) -> None:
    chunks = cut(times(*sizes), sum(sizes))
    assert len(chunks.codes) == sum(sizes)
    if sum(sizes) < MIN_ROWS:
        assert chunks.count == 0
        return
    assert (chunks.sizes() >= MIN_ROWS).all()
    assert (np.diff(chunks.codes) >= 0).all()


def test_the_last_short_day_goes_with_the_day_before() -> None:
    assert cut(times(40, 50, 3), 93).sizes().tolist() == [40, 53]


def test_rows_without_time_are_cut_at_random_into_chunks_of_two_hundred() -> None:
    chunks = cut(None, 1_000)
    assert chunks.sizes().tolist() == [200] * 5


@given(st.lists(st.integers(30, 90), min_size=1, max_size=10), st.integers(1, 100))
def test_thinning_keeps_so_many_rows_of_each_chunk_and_no_more(sizes: list[int], size: int) -> None:
    chunks = cut(times(*sizes), sum(sizes))
    kept = thin(chunks, size)
    counts = np.bincount(chunks.codes[kept], minlength=chunks.count)
    assert counts.tolist() == [min(size, given) for given in chunks.sizes()]
