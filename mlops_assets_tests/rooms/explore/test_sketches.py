"""Sketches of batches: merged they say what a scan of all rows would say, within the error that is stated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.errors import NotFound
from mlops_assets.rooms.explore.exploration import explore
from mlops_assets.rooms.explore.sketches import (
    MOST_CATEGORIES,
    Sketch,
    distance,
    distances,
    dumps,
    loads,
    merge,
    of_batch,
    of_table,
    together,
)
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores.cache import FolderCache
from mlops_assets.stores.delta import DeltaLake

DRAW = np.random.default_rng(0)
Shape = Callable[[int, float], "np.ndarray[Any, Any]"]
SHAPES: dict[str, Shape] = {
    "normal": lambda count, shift: DRAW.normal(shift, 1, count),
    "heavy tails": lambda count, shift: DRAW.standard_t(1.5, count) * (1 + shift),
    "few values": lambda count, shift: DRAW.poisson(3 + 2 * shift, count).astype(float),
    "mostly zero": lambda count, shift: np.where(DRAW.random(count) < 0.9 - shift / 5, 0.0, DRAW.normal(size=count)),
}


def one(values: object) -> Sketch:
    return of_table(pa.table({"x": values}))[0]


def exact(a: np.ndarray, b: np.ndarray) -> float:
    points = np.unique(np.concatenate([a, b]))
    here, there = (np.searchsorted(np.sort(x), points, "right") / len(x) for x in (a, b))
    return float(np.abs(here - there).max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_distance_of_merged_batches_is_that_of_all_their_rows(shape: str, shift: float) -> None:
    history = [SHAPES[shape](8_000 + 1_500 * batch, 0.0) for batch in range(8)]
    window = SHAPES[shape](20_000, shift)
    merged = merge(one(batch) for batch in history)
    assert distance(merged, one(window)) == pytest.approx(exact(np.concatenate(history), window), abs=0.005)


def test_what_is_counted_is_counted_exactly_and_distinct_values_nearly() -> None:
    parts = [pa.table({"c": ["AA", None, part], "id": [f"{part}{n}" for n in range(3)]}) for part in "xy"]
    carrier, _ = (merge(each) for each in zip(*map(of_table, parts), strict=True))
    assert (carrier.rows, carrier.nulls, carrier.counts) == (6, 2, {"AA": 2, "x": 1, "y": 1})
    halves = [one([f"id{n}" for n in range(start, start + 6_000)]) for start in (0, 3_000)]
    assert halves[0].counts is None
    assert merge(halves).distinct == pytest.approx(9_000, rel=0.05)


def test_nan_is_missing_and_an_empty_column_is_far_from_nothing() -> None:
    found = one([float("nan"), None, 2.0])
    assert (found.nulls, found.distinct) == (2, 1)
    assert distance(found, one(pa.array([None, None], pa.float64()))) is None
    assert distance(one(pa.array([None], pa.string())), one(["a"])) is None
    assert distance(one([1.0]), one(["1"])) is None
    assert distance(one([True, False]), one([True, True])) == 0.5


def test_categories_that_grow_too_many_are_given_up() -> None:
    parts = [one([f"{part}{n}" for n in range(MOST_CATEGORIES)]) for part in "ab"]
    assert parts[0].counts is not None
    assert merge(parts).counts is None


def test_bytes_are_read_back_as_they_were() -> None:
    made = of_table(pa.table({"n": [1, 2, None], "c": ["a", "b", None], "t": [[1], [2], [3]]}))
    assert [sketch.column for sketch in made] == ["n", "c"]
    assert loads(dumps(made)) == made


def test_a_column_that_changed_its_kind_is_told_by_its_newest_batches() -> None:
    batches = [of_table(pa.table({"x": values})) for values in ([1, 2], ["a"], ["b"])]
    assert together(batches)[0].counts == {"a": 1, "b": 1}


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    found = DeltaLake(tmp_path / "lake")
    for number, shift in enumerate([0.0, 0.0, 1.0]):
        wind = np.random.default_rng(number).normal(shift, 1, 500)
        rows = pa.table({"wind": wind, "carrier": ["A", "B"] * 250, "month": [number] * 500, "id": range(500)})
        found.write("trips/clean", rows, batch=f"b{number}")
    return found


def explored(lake: DeltaLake, batch: str, kept: FolderCache) -> list[tuple[str, str]]:
    from mlops_assets import keys
    from mlops_assets.rooms.explore.profile import to_table

    found = explore(lake, Dataset.model_validate({"name": "trips", "source": {"files": "*.csv"}}), batch, kept)
    rows = to_table(found.profiles, found.subject.fingerprint)
    lake.write(keys.table("trips", "profile"), rows, batch=batch)
    return [(change.column, change.now) for change in found.changes if change.what == "distribution"]


def test_what_changed_is_told_without_a_look_at_earlier_rows(
    lake: DeltaLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = FolderCache(tmp_path / "profiles", most=None)
    assert explored(lake, "b0", kept) == []
    assert explored(lake, "b1", kept) == [("month", "1.00 from the batch before")]
    read = DeltaLake.read
    asked: list[object] = []

    def watched(self: DeltaLake, table: str, **given: object) -> pa.Table:
        asked.extend([given.get("batches")] if table == "trips/clean" else [])
        return read(self, table, **given)  # type: ignore[arg-type]  # as it was asked

    monkeypatch.setattr(DeltaLake, "read", watched)
    [(column, said)] = explored(lake, "b2", kept)
    assert column == "wind"
    assert said.endswith("from all 2 before")
    assert asked == [["b2"]]


def test_a_lost_sketch_is_made_again_from_its_batch(lake: DeltaLake, tmp_path: Path) -> None:
    kept = FolderCache(tmp_path / "profiles", most=None)
    first = of_batch(lake, "trips", "b0", "f0", kept=kept)
    for file in (tmp_path / "profiles" / "trips").iterdir():
        file.unlink()
    again = of_batch(lake, "trips", "b0", "f0", kept=kept)
    assert max(distances(first, again).values()) < 0.005
    with pytest.raises(NotFound):
        of_batch(lake, "cars", "b0", "f1", kept=kept)
