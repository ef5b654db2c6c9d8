"""Who is in the data: counts that merge over batches, rates with intervals, and what a card and the UI show of them."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.rooms.explore.groups import MISSING, MOST, REST, disparities, figures, merged, of_table, wilson
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores.delta import DeltaLake

DATASET = Dataset.model_validate(
    {
        "name": "trips",
        "source": {"files": "*.csv"},
        "groups": ["origin", {"column": "sex", "expected": {"f": 0.5, "m": 0.5}}],
    }
)


def trips(count: int = 400) -> pa.Table:
    return pa.table(
        {
            "origin": [None if i % 10 == 0 else "EWR" if i % 2 else "JFK" for i in range(count)],
            "sex": ["f" if i % 4 == 0 else "m" for i in range(count)],
            "delay": [None if i % 5 == 0 else i % 40 for i in range(count)],
        }
    )


def test_a_group_has_its_share_beside_the_expected_one_and_its_rate_with_an_interval() -> None:
    found = {(f.group, f.value): f for f in merged(DATASET, [of_table(trips(), DATASET, "delay > 15")])}
    woman = found["sex", "f"]
    assert (woman.rows, woman.share, woman.expected) == (100, 0.25, 0.5)
    assert woman.labelled == 80
    assert woman.low is not None
    assert woman.rate is not None
    assert woman.high is not None
    assert woman.low < woman.rate < woman.high
    assert found["origin", MISSING].rows == 40
    assert found["origin", MISSING].null_share > found["origin", "EWR"].null_share
    assert next(group for group, _ in found) == "origin", "groups come as they are declared"


def test_batches_merge_to_what_all_rows_at_once_give(tmp_path: Path) -> None:
    lake, rows = DeltaLake(tmp_path), trips()
    for name, part in (("one", rows.slice(0, 150)), ("two", rows.slice(150))):
        lake.write("trips/groups", of_table(part, DATASET, "delay > 15"), batch=name)
    assert figures(lake, DATASET) == merged(DATASET, [of_table(rows, DATASET, "delay > 15")])


@pytest.mark.parametrize("target", [None, "nothing > 1", "origin"])
def test_without_a_target_that_is_a_number_only_shares_are_told(target: str | None) -> None:
    found = merged(DATASET, [of_table(trips(), DATASET, target)])
    assert {f.rate for f in found} == {None}
    assert disparities(found) == {}


def test_a_number_as_target_has_a_mean_and_no_interval() -> None:
    found = merged(DATASET, [of_table(trips(), DATASET, "delay")])
    assert all(f.low is None for f in found)
    assert set(disparities(found)) == {"origin"}, "of the women too few are labelled to tell"


def test_the_rarest_of_many_values_are_told_together() -> None:
    dataset = DATASET.model_copy(update={"groups": DATASET.groups[:1]})
    found = merged(dataset, [of_table(pa.table({"origin": [f"a{n}" for n in range(80)]}), dataset, None)])
    assert len(found) == MOST + 1
    assert {f.value: f.rows for f in found}[REST] == 30


def test_nothing_is_told_where_nothing_is_declared(tmp_path: Path) -> None:
    assert figures(DeltaLake(tmp_path), DATASET) == []


@given(count=st.integers(1, 10_000), share=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_an_interval_lies_around_its_rate_and_within_zero_and_one(count: int, share: float) -> None:
    positive = round(count * share)
    low, high = wilson(positive, count)
    assert -1e-9 <= low <= positive / count + 1e-9
    assert positive / count - 1e-9 <= high <= 1 + 1e-9
