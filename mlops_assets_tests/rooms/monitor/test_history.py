from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_assets.rooms.monitor.history import before, newest, record, timeline
from mlops_assets.stores.delta import DeltaLake


def row(month: int, *, alarm: bool = False, figure: float = 0.1) -> dict[str, object]:
    end = datetime(2024, month, 28, tzinfo=UTC)
    return {
        "window": f"2024-{month:02}",
        "window_end": end,
        "alarm": alarm,
        "figure": figure,
        "threshold": float("nan"),
    }


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake(tmp_path)


def test_the_newest_window_is_the_one_that_ended_last_whatever_was_written_last(lake: DeltaLake) -> None:
    for month in (2, 3, 1):
        record(lake, "late", "drift_report", row(month))
    found = newest(lake, "late", "drift_report")
    assert found is not None
    assert found["window"] == "2024-03"
    assert found["window_end"] == datetime(2024, 3, 28, tzinfo=UTC)
    assert [r["window"] for r in before(lake, "late", "drift_report", row(2))] == ["2024-01"]


def test_a_window_judged_again_stands_once_and_the_same_verdict_is_no_new_version(lake: DeltaLake) -> None:
    first = record(lake, "late", "drift_report", row(1))
    assert record(lake, "late", "drift_report", row(1)).number == first.number
    record(lake, "late", "drift_report", row(1, alarm=True))
    assert [r["alarm"] for r in timeline(lake, "late", "drift_report")] == [True]


def test_a_figure_that_could_not_be_had_stays_a_number(lake: DeltaLake) -> None:
    record(lake, "late", "drift_report", row(1))
    found = newest(lake, "late", "drift_report")
    assert found is not None
    assert found["threshold"] != found["threshold"]


def test_without_windows_there_is_no_newest(lake: DeltaLake) -> None:
    assert newest(lake, "late", "performance_report") is None


def test_windows_without_event_time_follow_their_names(lake: DeltaLake) -> None:
    for name in ("b", "a"):
        record(lake, "late", "drift_report", {**row(1), "window": name, "window_end": None})
    assert [r["window"] for r in timeline(lake, "late", "drift_report")] == ["a", "b"]
