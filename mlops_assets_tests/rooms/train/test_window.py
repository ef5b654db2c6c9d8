"""The training window: chosen where its future is known, with the reason, and never by itself."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from mlops_assets.rooms.train.training_set import inputs, windowed
from mlops_assets.rooms.train.window import EXPANDING, Window, _season
from mlops_assets_tests.rooms import trips

DECLARED = {"windows": ("30d",), "holdout": "10d"}


def chosen(folder: Path, data: pa.Table) -> tuple[pa.Table, Window | None]:
    lake, plan = trips.world(folder).lake, trips.plan(train=DECLARED)
    trips.fill(lake, data)
    return windowed(lake, plan, inputs(lake, plan))


def test_where_the_world_stays_as_it_is_all_there_is_is_taken(tmp_path: Path) -> None:
    rows, window = chosen(tmp_path, trips.rows())
    assert window is not None
    assert window.name == EXPANDING
    assert set(window.figures) == {EXPANDING, "sliding 30d"}
    assert "roc_auc over 2 stretches of 10d" in window.reason
    assert rows.num_rows > 3_900


def test_where_the_world_has_turned_over_the_newest_is_taken(tmp_path: Path) -> None:
    data = trips.rows()
    turned = np.arange(len(data)) < len(data) * 0.6
    labels = np.where(turned, 1 - data["label"].to_numpy(), data["label"].to_numpy())
    data = data.set_column(data.column_names.index("label"), "label", pa.array(labels))
    rows, window = chosen(tmp_path, data)
    assert window is not None
    assert window.name == "sliding 30d"
    assert window.figures["sliding 30d"] > window.figures[EXPANDING] + 0.05
    assert 1_200 < rows.num_rows < 1_500


def test_a_season_is_the_same_time_of_every_year_before() -> None:
    times = np.array(["2022-07-10", "2023-01-10", "2023-07-01", "2023-06-10", "2024-07-01"], "datetime64[us]")
    start, end = np.datetime64("2024-07-01", "us"), np.datetime64("2024-07-31", "us")
    assert _season(times, start, end).tolist() == [True, False, True, True, False]
