"""The whole report: the same function for any dataset, kept with its version, and nothing from elsewhere in it."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from playwright.sync_api import Browser, Request

from mlops_assets.errors import NotFound
from mlops_assets.rooms.explore import libraries, measure, relations, whole
from mlops_assets.rooms.explore.exploration import explore
from mlops_assets.rooms.explore.profile import to_table
from mlops_assets.rooms.explore.shelf import place
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores import sql
from mlops_assets.stores.cache import FolderCache
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.reports import FolderReports

START = datetime(2024, 1, 1, tzinfo=UTC)


def table(count: int = 600) -> pa.Table:
    return pa.table(
        {
            "id": range(count),
            "at": pa.array([START + timedelta(hours=i) for i in range(count)], pa.timestamp("us", "UTC")),
            "distance": [float(i % 97) for i in range(count)],
            "wind": [None if i % 200 < 40 else float(i % 13) for i in range(count)],
            "carrier": ["AA" if i % 3 else "<script>alert(1)</script>" for i in range(count)],
            "delay": [i % 40 for i in range(count)],
            "refund": [float(i % 40 > 15) for i in range(count)],
        }
    )


def plan(**declared: Any) -> DatasetPlan:
    given = {"name": "trips", "source": {"files": "*.csv"}, "event_time": "at", "groups": ["carrier"]}
    outcomes = {"known_at": "at", "columns": ["delay"]}
    return DatasetPlan(
        Dataset.model_validate({**given, "outcomes": outcomes, "explore": {"target": "delay > 15"}, **declared})
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> DeltaLake:
    """Two versions, only read by the tests."""
    found = DeltaLake(tmp_path_factory.mktemp("lake"))
    found.write("trips/clean", table(400), batch="one")
    found.write("trips/clean", table().slice(400), batch="two")
    return found


def test_a_page_answers_every_standard_question(lake: DeltaLake) -> None:
    page = whole.report(whole.look(lake, plan()))
    for title, _ in whole.SECTIONS:
        assert f"<h2>{title}</h2>" in page
    assert "Version 0 had 400 rows, this one has 600." in page
    assert "refund: too good alone" in page
    assert "declared to be known only after the event" in page
    assert "<script>alert" not in page
    assert len(re.findall(r"<img alt='[^']", page)) == 4
    assert "<figcaption title='carrier'>carrier</figcaption>" in page


def test_any_version_has_its_own(lake: DeltaLake) -> None:
    assert "This is the first version" in whole.report(whole.look(lake, plan(), 0))
    with pytest.raises(NotFound, match="allowed: 0 to 1"):
        whole.look(lake, plan(), 2)
    with pytest.raises(NotFound, match="no clean rows of trips"):
        whole.look(DeltaLake(lake.path / "empty"), plan())


def test_of_the_version_before_nothing_is_read_that_was_kept_of_its_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, kept, read = DeltaLake(tmp_path / "lake"), FolderCache(tmp_path / "profiles", most=None), DeltaLake.read
    moved = table().set_column(2, "distance", pa.array([i + 500.0 for i in range(600)]))
    for batch, rows in (("one", table(300)), ("two", moved.slice(300))):
        found.write("trips/clean", rows, batch=batch)
        explored = explore(found, plan().dataset, batch, kept)
        mark = explored.subject.fingerprint
        found.write("trips/profile", to_table(explored.profiles, mark), batch=batch)
    exact = whole.look(found, plan())
    asked = list[object]()

    def watched(self: DeltaLake, name: str, **given: Any) -> pa.Table:
        asked.extend([given] if name == "trips/clean" else [])
        return read(self, name, **given)

    monkeypatch.setattr(DeltaLake, "read", watched)
    drawn = whole.look(found, plan(), kept=kept)
    assert asked == [{"version": 1}]
    assert [p.mean for p in drawn.before] == pytest.approx([p.mean for p in exact.before], nan_ok=True)
    assert [(p.column, p.rows, p.nulls) for p in drawn.before] == [(p.column, p.rows, p.nulls) for p in exact.before]
    page = whole.report(drawn)
    assert re.search(
        r"<td>distance</td><td>distribution</td><td>-</td><td class=n>0.\d\d from the version before", page
    )
    assert "<td title='id'>id</td><td>BIGINT</td><td>-</td><td>about 6" in page


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_data_of_another_shape_has_a_page_too(name: str, tmp_path: Path) -> None:
    from sklearn import datasets

    found = DeltaLake(tmp_path)
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    found.write(f"{name}/clean", pa.Table.from_pandas(frame, preserve_index=False), batch=name)
    declared = {"name": name, "source": {"files": "*"}, "explore": {"target": "target"}}
    page = whole.report(whole.look(found, DatasetPlan(Dataset.model_validate(declared))))
    assert f"<h1>{name}, version 0</h1>" in page
    assert "No value is missing anywhere." in page
    assert "No <code>groups</code> are declared" in page


def test_numbers_that_no_picture_can_tell_apart_are_drawn_as_names(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[Any]()

    def summary(frame: Any) -> str:
        drawn.append(frame)
        return "<html>"

    monkeypatch.setattr(libraries, "_summary", summary)
    count = 100
    near = {"huge": [1e20] * count, "nanos": [1_700_000_000_000_000_000 + i % 3 for i in range(count)]}
    wide = {"far": [1e300 * i for i in range(count)], "same": [7.0] * count, "odd": [float("inf"), *range(1, count)]}
    libraries.evidently_page(pa.table({**near, **wide}))
    kinds = {name: str(kind) for name, kind in drawn[0].dtypes.items()}
    assert kinds == {**dict.fromkeys(near, "object"), **dict.fromkeys(wide, "float64")}


@pytest.mark.parametrize("rows", [0, 1])
def test_even_next_to_nothing_has_a_page(rows: int, tmp_path: Path) -> None:
    found = DeltaLake(tmp_path)
    found.write("trips/clean", table(5), batch="one")
    if not rows:
        found.write("trips/clean", table(5).slice(0, 0), batch="one")
    assert f"<b>{5 if rows else 0}</b>rows" in whole.report(whole.look(found, plan()))


def test_an_auc_is_what_scikit_learn_says_it_is() -> None:
    from sklearn.metrics import roc_auc_score

    rows = table()
    with sql.connect() as connection:
        connection.register("batch", rows)
        found = relations.suspects(connection, measure.of_table(rows), "delay > 15", ())
    aucs = {each.column: each.auc for each in found}
    truth = [value > 15 for value in rows["delay"].to_pylist()]
    for column in ("distance", "delay", "refund"):
        expected = roc_auc_score(truth, rows[column].to_pylist())
        assert aucs[column] == pytest.approx(max(expected, 1 - expected))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The three pages of one version, drawn once for the tests below."""
    folder = tmp_path_factory.mktemp("shelf")
    lake, reports = DeltaLake(folder / "lake"), FolderReports(folder / "reports", "http://127.0.0.1:1")
    lake.write("trips/clean", table(200).drop_columns(["refund", "wind"]), batch="one")
    first = place(reports, lake, plan())
    written = first.path.stat().st_ino, {file.name for file in first.path.parent.iterdir()}
    again = place(reports, lake, plan())
    assert again.path == first.path
    assert {file.name for file in first.path.parent.iterdir()} == written[1], "it is drawn once"
    yield first.path.parent
    shutil.rmtree(folder)


@pytest.mark.slow
def test_three_pages_lie_together_and_name_version_and_content(shelf: Path) -> None:
    names = sorted(file.name for file in shelf.iterdir())
    main = min(names, key=len)
    assert main.startswith("v0-")
    assert names == sorted([main, *(main.replace(".html", f"-{by}.html") for by in ("skrub", "evidently"))])
    page = (shelf / main).read_text()
    assert all(f"href='{name}'" in page for name in names if name != main)


def _note(seen: list[str], request: Request) -> None:
    seen.append(request.url)


@pytest.mark.slow
@pytest.mark.browser
def test_no_page_asks_any_other_host_for_anything(shelf: Path, browser: Browser) -> None:
    context = browser.new_context()
    for file in shelf.iterdir():
        page, asked = context.new_page(), list[str]()
        page.on("request", partial(_note, asked))
        page.goto(file.as_uri(), wait_until="networkidle")
        assert asked[0] == file.as_uri(), "what is asked for is seen"
        drawn = [frame.locator("table, svg, canvas, img").count() for frame in page.frames]
        assert sum(drawn) > 0, "its scripts have drawn it"
        assert [url for url in asked if not url.startswith((file.as_uri(), "data:", "blob:"))] == []
    page.evaluate("new Image().src = 'http://127.0.0.1:1/elsewhere.png'")
    page.wait_for_timeout(100)
    assert asked[-1] == "http://127.0.0.1:1/elsewhere.png", "and so would be a request for anything else"
    context.close()
