"""Where a reference holds the same weeks of a year before, a window is held against those, and the report says so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.rooms.monitor import season
from mlops_assets.rooms.monitor.drift import drift
from mlops_assets.rooms.monitor.reference import Reference, chunks_of
from mlops_assets.rooms.monitor.season import Matched
from mlops_assets.rooms.monitor.window import span
from mlops_assets_tests.rooms.monitor import days

YEAR = timedelta(days=365.2425)
FIRST = datetime(2021, 1, 1, tzinfo=UTC)
A_DAY = 40


def matched(known: Reference, window: pa.Table) -> Matched:
    given = span(window)
    return season.matched(known, given["window_start"], given["window_end"])


def rows(start: datetime, length: int, *, seed: int = 0, shift: float = 0.0, new: str = "") -> pa.Table:
    """Days whose rain, and with it the score, follow the season by six times what a day differs."""
    count, draw = length * A_DAY, np.random.default_rng(seed)
    day = np.repeat(np.arange(length), A_DAY)
    at = [start + timedelta(days=int(d), minutes=36 * (place % A_DAY)) for place, d in enumerate(day)]
    season = np.cos([2 * np.pi * ((moment - FIRST) / YEAR) for moment in at])
    moods = 0.3 * draw.normal(size=length)[day]
    rain = 2 * season + moods + draw.normal(size=count) + shift
    score = 1 / (1 + np.exp(-(0.8 * rain - 1 + 0.5 * draw.normal(size=count))))
    carrier = draw.choice(["A", "B", "C"], count)
    if new:
        carrier[:: A_DAY // 10] = new
    return pa.table(
        {
            "event_time": pa.array(at, pa.timestamp("us", tz="UTC")),
            "rain": rain,
            "carrier": carrier,
            "score": score,
            "label": (draw.random(count) < score).astype(float),
        }
    )


@pytest.fixture(scope="module")
def known() -> Reference:
    """Two years; in the second autumn alone a carrier D flew."""
    table = pa.concat_tables([rows(FIRST, 640, seed=1), rows(FIRST + timedelta(days=640), 90, seed=2, new="D")])
    return Reference(days.MANIFEST, table, chunks_of(table))


def later(weeks: float, length: int = 28, **given: Any) -> pa.Table:
    """A window of the third year."""
    return rows(FIRST + 2 * YEAR + timedelta(weeks=weeks), length, **{"seed": 3, **given})


SEASONS = [3, 16, 29, 42]


@pytest.mark.parametrize("weeks", SEASONS)
def test_the_same_season_again_is_no_drift_where_all_of_the_reference_or_the_last_months_would_say_so(
    known: Reference, weeks: float
) -> None:
    window = later(weeks)
    against = matched(known, window)
    assert against.years == 2
    assert against.drift(window, false_alarm_rate=0.05).reaction == "none"
    recent = known.rows.slice(known.rows.num_rows - 90 * A_DAY)
    assert weeks > 40 or drift(window, Reference(days.MANIFEST, recent, chunks_of(recent))).alarm


@pytest.mark.parametrize("weeks", SEASONS)
def test_a_real_shift_in_the_season_rings_though_the_year_has_seen_such_values(known: Reference, weeks: float) -> None:
    window = later(weeks, shift=1.5)
    assert matched(known, window).drift(window, false_alarm_rate=0.05).reaction == "challenger"


def test_the_rows_are_those_of_the_same_weeks_and_of_those_beside_them(known: Reference) -> None:
    against = matched(known, later(16))
    months = {(at.year, at.month) for at in against.reference.rows["event_time"].to_pylist()}
    assert months == {(year, month) for year in (2021, 2022) for month in (3, 4, 5, 6)}
    assert against.words.startswith("the same weeks of 2 years before, and those beside them (2022-03-")
    assert against.row() == {
        "reference": against.words,
        "reference_years": 2,
        "reference_rows": against.reference.rows.num_rows,
    }


def test_a_category_of_another_season_is_not_unseen(known: Reference) -> None:
    window = later(16, new="D")
    found = matched(known, window).drift(window, false_alarm_rate=0.05)
    assert [fault for fault in found.broken if fault.kind == "unseen"] == []
    strange = later(16, new="E")
    broken = matched(known, strange).drift(strange, false_alarm_rate=0.05).broken
    assert [(fault.feature, fault.kind) for fault in broken] == [("carrier", "unseen")]


def test_without_a_year_before_all_of_the_reference_is_used_and_it_says_why(known: Reference) -> None:
    short = known.rows.slice(known.rows.num_rows - 200 * A_DAY)
    against = matched(Reference(days.MANIFEST, short, chunks_of(short)), later(16))
    assert (against.years, against.reference.rows.num_rows) == (0, short.num_rows)
    assert against.words.endswith("as the same weeks of a year before are not in it")


def test_a_year_with_a_hole_where_the_season_was_is_not_enough(known: Reference) -> None:
    months = np.array([at.month for at in known.rows["event_time"].to_pylist()])
    holed = known.rows.filter(pa.array((months < 3) | (months > 6)))
    against = matched(Reference(days.MANIFEST, holed, chunks_of(holed)), later(16))
    assert against.years == 0
    assert "hold 0 days, of at least 12" in against.words


def test_a_window_of_many_months_or_without_time_has_no_season(known: Reference) -> None:
    assert "of no one season" in matched(known, later(10, 90)).words
    timeless = days.reference(timed=False)
    assert "no time" in matched(timeless, days.window(timed=False)).words
