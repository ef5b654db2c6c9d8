"""The report: one page that needs nothing else, whatever the rows."""

import re
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from mlops_assets.rooms.explore import sketches
from mlops_assets.rooms.explore.changes import Change
from mlops_assets.rooms.explore.charts import over_time
from mlops_assets.rooms.explore.eda import SAMPLE, Subject, report, self_contained
from mlops_assets.rooms.explore.measure import of_table
from mlops_assets.rooms.explore.whole import standard
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan

SUBJECT = Subject("flights", "2013-02", 7, "f" * 64, "at", "America/New_York")
START = datetime(2013, 2, 1, 5, tzinfo=UTC)


def rows(count: int) -> pa.Table:
    return pa.table(
        {
            "at": pa.array([START + timedelta(minutes=10 * i) for i in range(count)], pa.timestamp("us", "UTC")),
            "delay": pa.array([i % 60 if i % 7 else None for i in range(count)], pa.int64()),
            "carrier": ["AA"] * count,
        }
    )


def test_a_page_says_which_batch_it_is_of_and_what_changed() -> None:
    data = rows(SAMPLE + 1)
    page = report(data, SUBJECT, of_table(data), compared_with="2013-01", changes=[Change("delay", "mean", "6", "<9>")])
    assert "<h1>flights 2013-02</h1>" in page
    assert "5,001 rows, 3 columns; version 7 of flights/clean" in page
    assert "<td>delay</td><td>mean</td><td>6</td><td>&lt;9&gt;</td>" in page
    assert "5,000 evenly spaced of 5,001 rows" in page
    assert len(page) < 2_000_000


def test_a_first_batch_without_event_time_or_gaps_has_its_page() -> None:
    data = pa.table({"seats": [1, 2, 3]})
    page = report(data, Subject("planes", "planes", 1, "f" * 64), of_table(data))
    assert "<h1>planes</h1>" in page
    assert "This is the first batch" in page
    assert "Drawn from all 3 rows" in page


def test_a_page_without_a_target_asks_nothing_of_it_and_writes_years_out() -> None:
    data = pa.table({"year": [2004, 2007, None] * 9, "kind": ["a kind with a very long name", "b", "c"] * 9})
    plan = DatasetPlan(Dataset.model_validate({"name": "planes", "source": {"files": "*"}}))
    profiles = of_table(data)
    page = report(data, Subject("planes", "planes", 1, "f" * 64), profiles, standard=standard(plan, data, profiles))
    assert "What foretells the target alone" not in page
    assert "from the 1st to the 99th percentile" in page
    assert "<span title='a kind with a very long name'>a kind with a very …</span>" in page
    assert "2004" in page
    assert "2004.0" not in page
    assert "e+03" not in page


def test_a_batch_without_rows_has_its_page() -> None:
    data = rows(0)
    assert "There are no rows" in report(data, SUBJECT, of_table(data), compared_with="2013-01")


@pytest.mark.parametrize(
    "part",
    [
        "<script src='https://cdn.example.org/x.js'>",
        '<link rel=stylesheet href="//x.org/a.css">',
        "url(http://x.org/a)",
    ],
)
def test_a_page_that_would_load_something_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="from elsewhere"):
        self_contained(f"<html>{part}</html>")


def test_rows_are_counted_by_the_clock_of_the_zone() -> None:
    data = pa.table({"at": pa.array([START - timedelta(minutes=1), START, START + timedelta(days=9)])})
    step, counts = over_time(data, "at", "America/New_York")
    assert step == "day"
    assert [(moment.date().isoformat(), number) for moment, number in counts] == [
        ("2013-01-31", 1),
        ("2013-02-01", 1),
        ("2013-02-10", 1),
    ]


@pytest.mark.parametrize(("days", "step"), [(1, "hour"), (30, "day"), (1000, "month")])
def test_the_step_suits_the_span(days: int, step: str) -> None:
    assert over_time(pa.table({"at": pa.array([START, START + timedelta(days=days)])}), "at", "UTC")[0] == step


def test_the_standard_pictures_are_on_a_batchs_page_and_tell_a_leak() -> None:
    count = 400
    data = rows(count).append_column("late", pa.array([i % 60 > 30 for i in range(count)]))
    data = data.append_column("refund", pa.array([i % 60 for i in range(count)]))
    declared = {"name": "flights", "source": {"files": "x"}, "event_time": "at", "explore": {"target": "late"}}
    plan = DatasetPlan(Dataset.model_validate({**declared, "groups": ["carrier"]}))
    page = report(data, SUBJECT, of_table(data), standard=standard(plan, data, of_table(data)))
    for title in ("Missing values", "The target", "What foretells the target alone", "Who is in the data"):
        assert f"<h2>{title}</h2>" in page
    assert "refund: too good alone" in page
    for picture in ("missing values by hour", "target by hour", "representativeness and target by group"):
        assert f"<img alt='{picture}" in page
    assert standard(plan, data.slice(0, 0), of_table(data)) == ""


def test_every_column_has_a_line_with_about_how_many_values_it_has() -> None:
    data = pa.table(
        {
            "id": [f"n{i}" for i in range(400)],
            "born": pa.array([START + timedelta(days=i) for i in range(400)], pa.timestamp("us", "UTC")),
            "constant": [1e20] * 400,
            "a name that never seems to end at all": [i % 3 for i in range(400)],
            "empty": pa.array([None] * 400, pa.string()),
        }
    )
    sketched = {sketch.column: sketch.distinct for sketch in sketches.of_table(data)}
    page = report(data, Subject("people", "a", 1, "f" * 64, "born"), of_table(data), distinct=sketched)
    [about] = re.findall(r"<tr><td title='id'>id</td><td>VARCHAR</td><td>-</td><td>about (\d+)</td>", page)
    assert int(about) == pytest.approx(400, rel=0.02)
    assert "<td title='constant'>constant</td><td>DOUBLE</td><td>-</td><td>constant</td><td>1e+20</td>" in page
    assert "<figcaption title='a name that never seems to end at all'>" in page
    assert "<span>2013-02-05</span><span>2014-03-03</span>" in page, "a time is drawn from its 1st percentile on"
    assert "<td>empty</td>" not in page
    assert "<td title='empty'>empty</td><td>VARCHAR</td><td>100.00%</td><td>0</td>" in page


@pytest.mark.parametrize("names", [("low", "mid", "high"), (0, 1, 2)], ids=["texts", "numbers"])
def test_classes_are_told_one_by_one_whatever_their_names(names: tuple[object, ...]) -> None:
    data = pa.table(
        {
            "at": pa.array([START + timedelta(hours=i) for i in range(300)], pa.timestamp("us", "UTC")),
            "x": [float(i % 30) for i in range(300)],
            "noise": [float(i * 7919 % 101) for i in range(300)],
            "kind": [names[i % 30 // 10] for i in range(300)],
        }
    )
    declared = {"name": "things", "source": {"files": "x"}, "event_time": "at", "explore": {"target": "kind"}}
    page = standard(DatasetPlan(Dataset.model_validate(declared)), data, of_table(data))
    assert "<b>100 (33.3%)</b>" in page
    assert "<img alt='classes by day: the share of rows'" in page
    assert "x: too good alone" in page
    assert f"<td>x</td><td class=n>1.000</td><td>by its ranks, class {min(map(str, names))}</td>" in page
    assert "correlation with the target" not in page
    assert page.index("<figcaption title='x'>") < page.index("<figcaption title='noise'>"), "what tells most is first"


def test_a_target_of_too_many_texts_is_said_to_be_none_of_these() -> None:
    data = pa.table({"x": [1.0] * 30, "name": [f"n{i}" for i in range(30)]})
    declared = {"name": "things", "source": {"files": "x"}, "explore": {"target": "name"}}
    page = standard(DatasetPlan(Dataset.model_validate(declared)), data, of_table(data))
    assert "The target is not told" in page
    assert "no model predicts these rows" not in page


def test_a_target_of_classes_or_of_numbers_is_told_as_such() -> None:
    data = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 6.0, 8.1], "kind": [0, 1, 2, 1]})
    declared = {"name": "things", "source": {"files": "x"}, "groups": ["kind"]}
    classes = Dataset.model_validate({**declared, "explore": {"target": "kind"}})
    page = standard(DatasetPlan(classes), data, of_table(data))
    assert "<b>2 (50.0%)</b>" in page
    numbers = Dataset.model_validate({**declared, "explore": {"target": "y"}})
    page = standard(DatasetPlan(numbers), data, of_table(data))
    assert "<td>x</td><td class=n>1.000</td><td>suspect</td>" in page
