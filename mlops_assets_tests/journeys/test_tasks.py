"""A value and a class go the whole way: from a landed file to a champion, its answers and their reports."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from mlops_assets import keys
from mlops_assets.cli.home import prepare, unlogged
from mlops_assets.cli.loop import Loop
from mlops_assets.cli.story import Story
from mlops_assets.components.loading import load
from mlops_assets.resources.stores import Stores
from mlops_assets.rooms.evaluate.verdict import Verdict

DECLARED = """\
type: mlops_assets.Dataset
attributes:
  name: rides
  source: {files: data/landing/rides/*.parquet}
  key: [ride]
  event_time: at
---
type: mlops_assets.FeatureTable
attributes: {name: ride_facts, dataset: rides, columns: {distance: distance, rain: rain, zone: zone}}
---
type: mlops_assets.Model
attributes:
  name: minutes
  target: {column: minutes}
  features: [ride_facts]
  objective: mae
  train: {min_labels: 200, holdout: 14d}
  evaluate: {slices: [zone], resamples: 200}
---
type: mlops_assets.Dataset
attributes:
  name: sheets
  source: {files: data/landing/sheets/*.parquet}
  key: [sheet]
---
type: mlops_assets.FeatureTable
attributes:
  name: ink
  dataset: sheets
  columns: {DOTS}
---
type: mlops_assets.Model
attributes:
  name: written
  target: {column: digit}
  features: [ink]
  train: {min_labels: 100, candidates: [base_rate, logistic]}
  evaluate: {resamples: 200, evidently: true}
"""
DOTS = ", ".join(f"dot_{place:02d}: dot_{place:02d}" for place in range(16))
NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
START = datetime(2024, 1, 1, tzinfo=UTC)


def rides(start: int, count: int) -> pa.Table:
    """Forty rides a day, whose minutes follow distance and rain; the first days' come with no surprise."""
    draw = np.random.default_rng(start)
    distance, rain = draw.gamma(2, 3, count), draw.random(count)
    zone = draw.choice(["north", "south"], count)
    minutes = 4 + 2.5 * distance + 6 * rain * (zone == "north") + draw.normal(0, 3, count)
    at = [START + timedelta(minutes=36 * place) for place in range(start, start + count)]
    ids = np.arange(start, start + count)
    return pa.table(
        {"ride": ids, "at": at, "distance": distance, "rain": rain, "zone": zone, "minutes": minutes},
    )


def digits(first: bool) -> pa.Table:
    """Written digits, four by four dots of ink, and their names in words; a third of them arrive later."""
    data = load_digits()
    ink = data.images.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(-1, 16)
    columns = {f"dot_{place:02d}": ink[:, place] for place in range(16)}
    rows = pa.table({"sheet": np.arange(len(ink)), **columns, "digit": NAMES[data.target]})
    later = np.arange(len(ink)) % 3 == 2
    return rows.filter(pa.array(~later if first else later))


@dataclass(frozen=True)
class Shop:
    """A project after all its files have arrived."""

    stores: Stores
    instance: dg.DagsterInstance

    def verdict(self, model: str) -> Verdict:
        """The only one."""
        [record] = self.stores.lineage().records("verdict", model)
        return Verdict.of(record.body)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home, before = tmp_path_factory.mktemp("shop"), dict(os.environ)
    folder = home / "rides_and_digits" / "defs"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "defs.yaml").write_text(DECLARED.replace("DOTS", DOTS))
    sys.path.insert(0, str(home))
    try:
        settings = prepare(home)
        with unlogged(settings) as instance:
            loop = Loop(instance, dg.Definitions.merge(load(folder), dg.Definitions(resources={"stores": Stores()})))
            _arrive(home, loop)
            yield Shop(Stores(home=str(home)), instance)
    finally:
        sys.path.remove(str(home))
        os.environ.clear()
        os.environ.update(before)


def _arrive(home: Path, loop: Loop) -> None:
    put(home, "rides/first", rides(0, 2_400))
    put(home, "sheets/first", digits(first=True))
    loop.settle()
    put(home, "rides/second", rides(2_400, 1_200))
    put(home, "sheets/second", digits(first=False))
    loop.settle()
    failed = loop.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert not failed


def put(home: Path, name: str, rows: pa.Table) -> None:
    file = home / "data" / "landing" / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, file.with_suffix(".tmp"))
    file.with_suffix(".tmp").rename(file)


@pytest.mark.parametrize("model", ["minutes", "written"])
def test_the_first_model_is_released_and_answers_the_next_batch(shop: Shop, model: str) -> None:
    verdict = shop.verdict(model)
    assert verdict.decision == "FIRST_MODEL", [gate.reason for gate in verdict.failed()]
    answers = shop.stores.predictions().read(model, batches=["second"])
    assert set(answers["model_version"].to_pylist()) == {verdict.challenger}
    assert answers.num_rows > 50


def test_evidentlys_page_stands_beside_the_evaluation_where_it_is_declared(shop: Shop) -> None:
    event = shop.instance.get_latest_materialization_event(dg.AssetKey(["written", "evaluation"]))
    assert event is not None
    assert event.asset_materialization is not None
    told = event.asset_materialization.metadata
    page = Path(str(told["report_file"].value))
    second = page.with_name(f"{page.stem}-evidently.html")
    assert str(told["evidently"].value).endswith(second.name)
    assert f"href='{second.name}'" in page.read_text()
    assert f"href='{page.name}'" in second.read_text()
    assert not list(shop.stores.reports().path(keys.key("minutes", "evaluation"), "v1").parent.glob("*-evidently.html"))


def test_a_value_is_answered_with_a_value(shop: Shop) -> None:
    answers = shop.stores.predictions().read("minutes", batches=["second"]).sort_by("ride")
    truth = rides(2_400, 1_200)["minutes"].to_numpy()
    assert answers["answer"].to_pylist() == answers["score"].to_pylist()
    assert np.corrcoef(answers["answer"].to_numpy(), truth)[0, 1] > 0.9


def test_a_class_is_answered_with_its_name_and_a_probability_a_class(shop: Shop) -> None:
    answers = shop.stores.predictions().read("written", batches=["second"]).sort_by("sheet")
    each = np.column_stack([answers[f"probability_{name}"].to_numpy() for name in sorted(NAMES)])
    assert each.sum(axis=1) == pytest.approx(1)
    assert answers["score"].to_numpy() == pytest.approx(each.max(axis=1))
    truth = digits(first=False)["digit"].to_pylist()
    assert np.mean([said == known for said, known in zip(answers["answer"].to_pylist(), truth, strict=True)]) > 0.8


@pytest.mark.parametrize("model", ["minutes", "written"])
def test_its_story_is_told_with_and_without_event_times(shop: Shop, model: str) -> None:
    dataset = {"minutes": "rides", "written": "sheets"}[model]
    story = Story(shop.stores, shop.instance, model=model, dataset=dataset)
    first, second = (story.chapter(batch) for batch in ("first", "second"))
    assert (first.causes, first.verdict, first.champion) == (("new_data",), "FIRST_MODEL", 1)
    assert (second.causes, second.verdict, second.champion) == ((), None, 1)


@pytest.mark.parametrize(("model", "watched"), [("minutes", "mae"), ("written", "log_loss")])
def test_its_answers_are_watched_by_what_decided(shop: Shop, model: str, watched: str) -> None:
    lake = shop.stores.lake()
    [found] = lake.read(keys.table(model, "performance_report"), batches=["second"]).to_pylist()
    assert found["figure_name"] == watched
    assert found["matured"] == found["predicted"] > 0
    assert np.isfinite(found[watched])
    [drifted] = lake.read(keys.table(model, "drift_report"), batches=["second"]).to_pylist()
    assert np.isfinite(drifted["mean_score"])
    assert shop.stores.reports().exists(keys.key(model, "drift_report"), "second")


def test_the_task_is_told_by_the_labels_and_kept_with_the_model(shop: Shop) -> None:
    for model, task, classes in (("minutes", "regression", []), ("written", "multiclass", ["eight", "zero"])):
        event = shop.instance.get_latest_materialization_event(dg.AssetKey([model, "labels"]))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["task"].value == task
        registry = shop.stores.registry()
        version = registry.champion(model)
        assert version is not None
        files = registry.load(version).files
        assert all(name.encode() in files["manifest.json"] for name in (task, *classes))
