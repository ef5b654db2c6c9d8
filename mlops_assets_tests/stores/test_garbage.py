"""What is removed is what a retention lets go and nothing living reaches, and what killed writers left."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from mlops_assets.errors import NotFound, StoreError
from mlops_assets.spec.retention import Retention
from mlops_assets.stores import forgotten
from mlops_assets.stores.cache import FolderCache
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.garbage import find, remove
from mlops_assets.stores.lineage import SqliteLineage
from mlops_assets.stores.living import reached
from mlops_assets.stores.log import Log

T = "flights/clean"
TWO = {"flights": Retention(versions=2)}


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    """A table of five versions: batch `a` is replaced in each, batch `b` stays."""
    lake = DeltaLake(tmp_path / "lake")
    lake.write(T, pa.table({"n": [100]}), batch="b")
    for number in range(4):
        lake.write(T, pa.table({"n": [number]}), batch="a", commit={"run_id": f"r{number}"})
    return lake


def held(lake: DeltaLake, version: int | None = None) -> list[int]:
    return sorted(lake.read(T, version=version)["n"].to_pylist())


def test_without_a_policy_every_version_stays(lake: DeltaLake) -> None:
    assert find(lake, {}, {}) == find(lake, {"flights": Retention()}, {}) == []


def test_the_newest_versions_stay_and_the_others_are_let_go(lake: DeltaLake) -> None:
    (garbage,) = find(lake, TWO, {})
    assert (garbage.versions, garbage.orphans, len(garbage.files)) == ((1, 2), 0, 2)
    assert held(lake, 1) == [0, 100]
    assert remove([garbage]) == garbage.bytes > 0
    assert (held(lake), held(lake, 3), held(lake, 0)) == ([3, 100], [2, 100], [100])
    with pytest.raises(NotFound, match="version 2 of table 'flights/clean' was let go by its retention"):
        lake.read(T, version=2)
    assert Log.read(lake.path / T).gone() == {1, 2}
    assert find(lake, TWO, {}) == []
    assert lake.write(T, pa.table({"n": [9]}), batch="a").number == 5


def test_a_removal_that_was_killed_is_ended_by_the_next_and_takes_nothing_that_stays(
    lake: DeltaLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, unlink, removed = find(lake, TWO, {}), Path.unlink, list[Path]()

    def killed(self: Path, *, missing_ok: bool = False) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(self)
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        remove(found)
    monkeypatch.setattr(Path, "unlink", unlink)
    assert len(found[0].files) == 2
    assert (held(lake), held(lake, 3), held(lake, 0)) == ([3, 100], [2, 100], [100])
    (left,) = find(lake, TWO, {})
    assert len(left.files) == len(left.versions) == 1
    assert remove([left]) > 0
    assert find(lake, TWO, {}) == []
    assert Log.read(lake.path / T).gone() == {1, 2}


def test_a_version_that_something_living_reaches_stays(lake: DeltaLake) -> None:
    (garbage,) = find(lake, TWO, {T: [1]})
    assert (garbage.versions, garbage.protected) == ((2,), (0, 1)[1:])
    remove([garbage])
    assert held(lake, 1) == [0, 100]


def test_a_version_is_let_go_by_age_only_after_it_was_replaced_long_ago(lake: DeltaLake) -> None:
    policy = {"flights": Retention(age=timedelta(days=30))}
    ends = [version.at / 1000 for version in Log.read(lake.path / T).versions]
    assert find(lake, policy, {}) == []
    (garbage,) = find(lake, policy, {}, now=ends[-1] + timedelta(days=31).total_seconds())
    assert garbage.versions == (1, 2, 3)


def test_what_killed_writers_left_goes_once_it_is_old(lake: DeltaLake) -> None:
    stray = lake.path / T / "part-00000-killed.zstd.parquet"
    spool, copy = lake.path / ".spool" / "killed.arrow", lake.path / ".spool" / "copy" / "part.parquet"
    copy.parent.mkdir(parents=True)
    for file in (stray, spool, copy):
        file.write_bytes(b"half")
    assert find(lake, {}, {}) == []
    for file in (stray, spool, copy.parent):
        os.utime(file, (0, 0))
    found = find(lake, {}, {})
    assert {file for garbage in found for file in garbage.files} == {stray, spool, copy}
    assert [garbage.orphans for garbage in found] == [1, 2]
    remove(found)
    assert not any(file.exists() for file in (stray, spool, copy))
    assert held(lake) == [3, 100]


def test_a_log_that_is_not_whole_is_left_alone(lake: DeltaLake) -> None:
    (lake.path / T / "_delta_log" / f"{1:020}.json").unlink()
    with pytest.raises(StoreError, match="is not whole"):
        find(lake, TWO, {})


class Registered:
    """A registry that still has some versions of a model."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def versions(self, model: str) -> list[object]:
        from mlops_assets.stores.registry import ModelVersion

        return [ModelVersion(model, number, "", "") for number in self.numbers]


def test_living_is_what_a_registered_model_or_the_newest_table_was_made_of(lake: DeltaLake, tmp_path: Path) -> None:
    lineage = SqliteLineage(tmp_path / "lineage.db")
    opened: Callable[..., object] = lambda: pytest.fail("no snapshot needs a registry")  # noqa: E731 - a stand-in
    assert reached(lake, lineage, opened) == {}  # type: ignore[arg-type]  # a stand-in
    for version in (1, 2, 3):
        lineage.append("snapshot", "m", {"version": version, "inputs": {T: [version, "f"]}})
    lake.write("m/training_set", pa.table({"x": [1]}), batch="all", commit={"inputs": '{"flights/clean": [0, "f"]}'})
    assert reached(lake, lineage, lambda: Registered(1, 3)) == {T: {0, 1, 3}}  # type: ignore[arg-type, return-value]  # a stand-in


def test_tables_of_features_and_models_have_policies_of_their_own(lake: DeltaLake) -> None:
    tables = ("context/offline", "late/predictions", "late/training_set")
    for table in tables:
        for number in range(4):
            lake.write(table, pa.table({"prediction_id": [number]}), batch="a")
    policies = {"context": Retention(versions=1), "late": Retention(versions=2)}
    found = {garbage.table: garbage for garbage in find(lake, policies, {"late/training_set": [0]})}
    assert {table: garbage.versions for table, garbage in found.items()} == {
        "context/offline": (0, 1, 2),
        "late/predictions": (0, 1),
        "late/training_set": (1,),
    }
    assert found["late/training_set"].protected == (0,)
    remove(found.values())
    assert [lake.read(table)["prediction_id"].to_pylist() for table in tables] == [[3], [3], [3]]
    assert lake.read("late/training_set", version=0)["prediction_id"].to_pylist() == [0]
    assert len(list((lake.path / T).rglob("*.parquet"))) == 5, "a noun without a policy keeps all"


def test_a_profile_goes_with_the_last_version_that_has_its_rows(lake: DeltaLake, tmp_path: Path) -> None:
    kept = FolderCache(tmp_path / "profiles", most=None)
    marks = {lake.fingerprint(T, batch=batch, version=v) for v in range(5) for batch in "ab"[: 2 if v else 1]}
    marks |= {lake.fingerprint(T, batch="b", version=0)}
    for mark in (*marks, "of rows that were never committed"):
        kept.put("flights", mark, b"sketch")
    kept.put("unknown", "x", b"sketch")
    assert forgotten.find(lake, kept.root, {}).orphans == 3, "with the batch that version 0 lacks"
    (garbage,) = find(lake, TWO, {})
    found = forgotten.find(lake, kept.root, {T: garbage.versions})
    remove([garbage, found])
    left = {file.name for file in (kept.root / "flights").iterdir()}
    assert left == {lake.fingerprint(T, batch=batch, version=v) for v, batch in ((4, "a"), (3, "a"), (4, "b"))}
    assert forgotten.find(lake, kept.root, {}).files == {}


def test_the_profiles_of_batches_that_were_written_at_once_are_known_by_their_rows(
    lake: DeltaLake, tmp_path: Path
) -> None:
    lake.restate(T, pa.table({"n": [1, 2], "batch": ["a", "b"]}), by="batch")
    kept = FolderCache(tmp_path / "profiles", most=None)
    for batch in "ab":
        kept.put("flights", lake.fingerprint(T, batch=batch), b"sketch")
    assert forgotten.find(lake, kept.root, {T: range(5)}).files == {}
