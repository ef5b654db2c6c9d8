"""The label store: a label is read as it was known at a time."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest

from mlops_assets.errors import StoreError
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.labels import LakeLabels

NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def labels(tmp_path: Path) -> LakeLabels:
    store = LakeLabels(DeltaLake(tmp_path))
    hours = [0, 1, 2, None]
    known = pa.array([None if h is None else NOON + timedelta(hours=h) for h in hours], pa.timestamp("us", "UTC"))
    status = ["labelled", "labelled", "cancelled", "no_outcome"]
    rows = pa.table({"id": [1, 2, 3, 4], "known_at": known, "label": [1.0, 0.0, None, None], "status": status})
    store.record("m", rows, batch="2013-01")
    return store


def test_only_what_was_known_by_then_is_given(labels: LakeLabels) -> None:
    assert labels.read("m", known_by=NOON - timedelta(microseconds=1)).num_rows == 0
    assert labels.read("m", known_by=NOON).column("id").to_pylist() == [1]
    assert sorted(labels.read("m", known_by=NOON + timedelta(days=9)).column("id").to_pylist()) == [1, 2]
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert labels.read("m", known_by=elsewhere).column("id").to_pylist() == [1]


def test_without_a_time_every_row_is_given_with_its_reason(labels: LakeLabels) -> None:
    assert sorted(labels.read("m").column("status").to_pylist()) == ["cancelled", "labelled", "labelled", "no_outcome"]


def test_a_time_without_a_zone_is_refused(labels: LakeLabels) -> None:
    with pytest.raises(StoreError, match="without a zone"):
        labels.read("m", known_by=NOON.replace(tzinfo=None))


def test_labels_that_could_not_mature_are_refused(labels: LakeLabels) -> None:
    with pytest.raises(StoreError, match="lack columns"):
        labels.record("m", pa.table({"label": [1.0]}), batch="x")
