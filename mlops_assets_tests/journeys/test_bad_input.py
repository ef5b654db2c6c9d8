"""A bad file stops its own way with a check that names file and reason; nothing is lost, and the next one goes on."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from mlops_assets_tests.journeys import platform
from mlops_assets_tests.journeys.platform import Platform
from mlops_assets_tests.samples import SAMPLES, arrive, land

pytestmark = pytest.mark.journey

Damage = Callable[[Path], None]
BAD, GOOD, NEXT = "2013-01", "2013-02", "2013-03"
"""The good month has been taken in before the bad one lands together with the next; they are too few to train on."""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has taken in one good month."""
    home = tmp_path_factory.mktemp("begun")
    with platform.run(home) as running:
        land(running.settings.landing, [GOOD])
        running.loop.settle()
        assert running.failed_checks() == []
    return home


@pytest.fixture
def running(begun: Path, tmp_path: Path) -> Iterator[Platform]:
    """A copy of it for one test."""
    home = tmp_path / "copy"
    shutil.copytree(begun, home)
    with platform.run(home) as found:
        yield found


def rewritten(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Damage:
    def damage(path: Path) -> None:
        change(pd.read_parquet(path)).to_parquet(path, index=False)

    return damage


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def not_what_its_suffix_says(path: Path) -> None:
    path.write_text("flight_id,carrier\n1,UA\n")


def of_another_month(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(scheduled_departure=frame.scheduled_departure + pd.Timedelta(days=31))


UNREADABLE: dict[str, tuple[Damage, str]] = {
    "empty": (empty, "empty"),
    "truncated": (truncated, "cannot be read as .parquet"),
    "not what its suffix says": (not_what_its_suffix_says, "not what its suffix .parquet says"),
    "no rows": (rewritten(lambda frame: frame.head(0)), "0 rows"),
}
BROKEN: dict[str, tuple[Damage, str]] = {
    "lacks a column": (rewritten(lambda f: f.drop(columns="carrier")), "missing column carrier"),
    "wrong type": (rewritten(lambda f: f.assign(distance="far")), "distance:type"),
    "conflicting keys": (rewritten(lambda f: pd.concat([f, f.assign(distance=f.distance + 1)])), "conflict"),
    "impossible value": (rewritten(lambda f: f.assign(distance=-1.0)), "distance:"),
    "another month": (rewritten(of_another_month), "scheduled_departure:outside_batch"),
}


def land_damaged(running: Platform, damage: Damage, name: str = f"flights/{BAD}", to: str = "") -> Path:
    """Land a sample that was damaged on its way, as `to` or under its own name."""
    staged, target = running.settings.data / "staged.tmp", running.settings.landing / f"{to or name}.parquet"
    shutil.copyfile(SAMPLES / f"{name}.parquet", staged)
    damage(staged)
    os.replace(staged, target)  # noqa: PTH105 - the landing rule is write and rename
    return target


def intact(_: Path) -> None:
    """Damage nothing."""


def assert_every_failure_names(running: Platform, asset: str, bad: Path, reason: str) -> None:
    failed = running.failed_checks()
    assert failed
    for check in failed:
        assert check.startswith(f"{asset}:")
        assert bad.name in check
        assert reason in check


def assert_stopped_and_the_next_went_on(running: Platform, bad: Path, content: bytes) -> None:
    assert bad.read_bytes() == content
    assert running.rows("flights", "clean", BAD) == 0
    assert running.materialized("flights", "clean") == {GOOD, NEXT}
    assert running.materialized("flight_context", "offline") == {GOOD, NEXT}
    assert running.rows("flights", "raw", NEXT) > 0


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_is_no_batch_stops_with_its_name_and_the_reason(running: Platform, name: str) -> None:
    damage, reason = UNREADABLE[name]
    bad = land_damaged(running, damage)
    content = bad.read_bytes()
    arrive(running.settings.landing, f"flights/{NEXT}")
    running.loop.settle()
    assert_every_failure_names(running, "flights/raw", bad, reason)
    assert running.rows("flights", "raw", BAD) == 0
    assert_stopped_and_the_next_went_on(running, bad, content)


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_breaks_the_contract_is_quarantined_whole(running: Platform, name: str) -> None:
    damage, reason = BROKEN[name]
    bad = land_damaged(running, damage)
    content = bad.read_bytes()
    arrive(running.settings.landing, f"flights/{NEXT}")
    running.loop.settle()
    assert_every_failure_names(running, "flights/clean", bad, reason)
    assert running.rows("flights", "quarantine", BAD) == running.rows("flights", "raw", BAD) > 0
    assert_stopped_and_the_next_went_on(running, bad, content)


def test_doubled_rows_are_merged_and_counted(running: Platform) -> None:
    land_damaged(running, rewritten(lambda f: pd.concat([f, f.head(100)])))
    running.loop.settle()
    assert running.failed_checks() == []
    clean, quarantined = (running.rows("flights", stage, BAD) for stage in ("clean", "quarantine"))
    assert running.rows("flights", "raw", BAD) == clean + quarantined + 100
    assert BAD in running.materialized("flight_context", "offline")


def test_a_corrected_file_replaces_the_bad_one(running: Platform) -> None:
    land_damaged(running, truncated)
    running.loop.settle()
    assert BAD not in running.materialized("flights", "raw")
    land_damaged(running, intact)
    running.loop.settle()
    clean, quarantined = (running.rows("flights", stage, BAD) for stage in ("clean", "quarantine"))
    assert running.rows("flights", "raw", BAD) == clean + quarantined > 0
    assert BAD in running.materialized("flight_context", "offline")


def test_what_was_stopped_upstream_or_is_badly_named_holds_no_other_back(running: Platform) -> None:
    bad = land_damaged(running, truncated, f"weather/{BAD}")
    land_damaged(running, intact, to="flights/2013 02")
    land_damaged(running, intact)
    running.loop.settle()
    assert_every_failure_names(running, "weather/raw", bad, "cannot be read")
    assert BAD in running.materialized("flight_context", "offline")
    assert "2013 02.parquet: the file's name can't name a batch" in running.loop.reasons["flights_arrivals"]
