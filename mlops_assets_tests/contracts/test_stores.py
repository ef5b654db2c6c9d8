"""One suite a Protocol: every store that is registered here keeps the promises that the rooms rely on."""

import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlops_assets.errors import Conflict, NotFound, NoVerdict
from mlops_assets.stores.delta import DeltaLake
from mlops_assets.stores.labels import LabelStore, LakeLabels
from mlops_assets.stores.lake import Lake
from mlops_assets.stores.lineage import Lineage, SqliteLineage
from mlops_assets.stores.mlflow import MlflowRegistry
from mlops_assets.stores.online import OnlineStore
from mlops_assets.stores.online_rows import OnlineRow
from mlops_assets.stores.online_sqlite import SqliteOnline
from mlops_assets.stores.predictions import LakePredictions, PredictionLog
from mlops_assets.stores.registry import Registry, TrainingRun
from mlops_assets.stores.reports import FolderReports, Reports
from mlops_assets.stores.training import MlflowTrainingRun
from mlops_assets_tests.stores import redis_server

Open = Callable[[Path], Any]
LAKES: dict[str, Open] = {"delta": DeltaLake}
REPORTS: dict[str, Open] = {"folder": lambda path: FolderReports(path, "http://reports")}
REGISTRIES: dict[str, Open] = {"mlflow": lambda path: MlflowRegistry(f"sqlite:///{path / 'm.db'}", path / "artifacts")}
ONLINE: dict[str, Open] = {
    "sqlite": lambda path: SqliteOnline(path / "online.db"),
    "redis": lambda _: redis_server.online(),
}
PREDICTIONS: dict[str, Open] = {"lake": lambda path: LakePredictions(DeltaLake(path))}
LABELS: dict[str, Open] = {"lake": lambda path: LakeLabels(DeltaLake(path))}
LINEAGES: dict[str, Open] = {"sqlite": lambda path: SqliteLineage(path / "lineage.db")}
PROTOCOLS: list[tuple[type, dict[str, Open]]] = [
    (Lake, LAKES),
    (Reports, REPORTS),
    (Registry, REGISTRIES),
    (OnlineStore, ONLINE),
    (PredictionLog, PREDICTIONS),
    (LabelStore, LABELS),
    (Lineage, LINEAGES),
    (TrainingRun, {"mlflow": lambda _: MlflowTrainingRun}),
]
EACH = [pytest.param(each, made, id=f"{each.__name__}-{name}") for each, by in PROTOCOLS for name, made in by.items()]
ROWS = pa.table({"id": [1, 2], "at": pa.array([datetime(2013, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC"))})


@pytest.mark.parametrize(("protocol", "opened"), EACH)
def test_a_store_takes_what_its_protocol_says(protocol: type, opened: Open, tmp_path: Path) -> None:
    store = opened(tmp_path)
    for name, promised in inspect.getmembers(protocol, inspect.isfunction):
        if not name.startswith("_"):
            wanted = [(each.name, each.kind, each.default) for each in _parameters(promised)]
            assert [(each.name, each.kind, each.default) for each in _parameters(getattr(store, name))] == wanted, name


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return [each for each in inspect.signature(function).parameters.values() if each.name != "self"]


@pytest.mark.parametrize(("protocol", "opened"), EACH)
def test_a_store_makes_nothing_before_it_is_used(protocol: type, opened: Open, tmp_path: Path) -> None:
    opened(tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("opened", LAKES.values(), ids=LAKES)
class TestLake:
    def test_the_same_content_makes_no_new_version(self, opened: Open, tmp_path: Path) -> None:
        lake: Lake = opened(tmp_path)
        first = lake.write("flights/clean", ROWS, batch="2013-01", commit={"run": "r"})
        again = lake.write("flights/clean", ROWS.take([1, 0]).select(["at", "id"]), batch="2013-01")
        assert (first.changed, again.changed, again.number, again.rows) == (True, False, first.number, 2)
        assert first.fingerprint == again.fingerprint == lake.fingerprint("flights/clean", batch="2013-01")
        assert lake.write("flights/clean", ROWS.slice(1), batch="2013-01").changed

    def test_a_batch_is_replaced_and_the_others_stay(self, opened: Open, tmp_path: Path) -> None:
        lake: Lake = opened(tmp_path)
        lake.write("t", ROWS, batch="1")
        lake.write("t", ROWS, batch="2")
        before = lake.version("t")
        lake.write("t", ROWS.slice(0, 0), batch="1")
        assert lake.batches("t") == ["2"]
        assert lake.read("t", version=before, batches=["1"], columns=["id"], where="id > 1").to_pylist() == [{"id": 2}]
        assert lake.read("t").sort_by("id").equals(ROWS)
        assert len(lake.history("t")) == before + 2

    def test_tables_are_listed_and_a_missing_one_is_not_found(self, opened: Open, tmp_path: Path) -> None:
        lake: Lake = opened(tmp_path)
        assert lake.tables() == []
        assert not lake.exists("a/raw/2013-01")
        lake.write("b/clean", ROWS, batch="1")
        lake.write("a/raw/2013-01", ROWS, batch="2013-01")
        assert lake.tables() == ["a/raw/2013-01", "b/clean"]
        with pytest.raises(NotFound):
            lake.scan("c")


@pytest.mark.parametrize("opened", REPORTS.values(), ids=REPORTS)
def test_a_saved_report_is_there(opened: Open, tmp_path: Path) -> None:
    reports: Reports = opened(tmp_path)
    key = ("flights", "eda_report")
    assert not reports.exists(key, "v")
    saved = reports.save(key, "v", b"<html>")
    assert reports.exists(key, "v")
    assert saved.path == reports.path(key, "v")
    assert saved.path.read_bytes() == b"<html>"


@pytest.mark.parametrize("opened", REGISTRIES.values(), ids=REGISTRIES)
@pytest.mark.slow
def test_a_registered_model_is_loaded_and_promoted(opened: Open, tmp_path: Path) -> None:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    registry: Registry = opened(tmp_path)
    rows = pd.DataFrame({"x": [0.0, 1.0]})
    fitted = make_pipeline(LogisticRegression()).fit(rows, [0, 1])
    assert (registry.versions("m"), registry.champion("m"), registry.by_identity("m", "i")) == ([], None, None)
    with registry.training("m", tags={}) as run:
        made = run.register(fitted, example=rows, files={"manifest.json": b"{}"}, tags={"a": "b"}, identity="i")
    assert registry.versions("m") == [made] == [registry.by_identity("m", "i")]
    assert registry.load(made).files == {"manifest.json": b"{}"}
    with pytest.raises(NoVerdict):
        registry.promote(made, evidence="")
    registry.promote(made, evidence="verdict")
    champion = registry.champion("m")
    assert champion is not None
    assert champion.number == made.number
    with pytest.raises(NotFound):
        registry.get("m", 2)


@pytest.mark.parametrize("opened", ONLINE.values(), ids=ONLINE)
class TestOnline:
    def test_it_gives_what_was_put(self, opened: Open, tmp_path: Path) -> None:
        store: OnlineStore = opened(tmp_path)
        assert store.get("t", [1]) is None
        assert store.put("t", ["id"], ROWS, time_column="at") == store.count("t") == 2
        found = store.get("t", [1])
        assert found is not None
        assert (found.values, found.event_time) == ({}, datetime(2013, 1, 1, tzinfo=UTC))
        assert store.get_many("t", [[2], [3], [1]]) == [store.get("t", [2]), None, found]
        assert store.get_many("t", []) == []

    def test_an_older_row_never_replaces_a_newer_one(self, opened: Open, tmp_path: Path) -> None:
        store: OnlineStore = opened(tmp_path)
        for hour, kept in ((2, 1), (1, 0), (2, 1), (None, 0), (3, 1)):
            assert store.put("t", ["id"], at(hour, rate=hour), time_column="at") == kept
        found = store.get("t", [1])
        assert found is not None
        assert (found.values, found.event_time) == ({"rate": 3}, datetime(2013, 1, 1, 3, tzinfo=UTC))

    def test_values_and_keys_come_back_as_they_were(self, opened: Open, tmp_path: Path) -> None:
        store: OnlineStore = opened(tmp_path)
        values = {"f": 0.1, "n": 3, "t": 'ü "x" ', "none": None, "b": True, "d": date(2013, 1, 1), "l": [1.5, 2.0]}
        rows = pa.table({name: [value] for name, value in {"k": "Ä, [", "j": None, "at": None, **values}.items()})
        store.put("t", ["k", "j"], rows.cast(_timed(rows.schema)), time_column="at")
        found = store.get("t", ["Ä, [", None])
        assert found is not None
        assert (found.values, found.event_time) == (values, None)

    def test_a_refresh_takes_its_rows_as_they_are_and_leaves_the_others(self, opened: Open, tmp_path: Path) -> None:
        store: OnlineStore = opened(tmp_path)
        assert store.mark("t") == ""
        store.refresh("t", ["id"], ROWS, time_column="at", before="", mark="one")
        assert store.refresh("t", ["id"], at(None, rate=0), time_column="at", before="one", mark="two") == 1
        assert (store.count("t"), store.mark("t"), store.mark("u")) == (2, "two", "")
        found = store.get("t", [1])
        assert found is not None
        assert (found.values, found.event_time) == ({"rate": 0}, None)
        store.refresh("t", ["id"], at(5, rate=0), time_column="at", before="two", mark="three", whole=True)
        assert store.get_many("t", [[1], [2]])[1] is None

    def test_a_refresh_that_comes_second_writes_nothing(self, opened: Open, tmp_path: Path) -> None:
        store: OnlineStore = opened(tmp_path)
        store.refresh("t", ["id"], at(1, rate=1), time_column="at", before="", mark="one")
        with pytest.raises(Conflict, match="refreshed by somebody else"):
            store.refresh("t", ["id"], at(2, rate=2), time_column="at", before="", mark="other")
        assert store.mark("t") == "one"
        assert store.get("t", [1]) == OnlineRow({"rate": 1}, datetime(2013, 1, 1, 1, tzinfo=UTC))

    def test_many_rows_are_kept_whole(self, opened: Open, tmp_path: Path) -> None:
        store: OnlineStore = opened(tmp_path)
        rows = pa.table({"id": range(1_201), "at": pa.nulls(1_201, pa.timestamp("us", "UTC")), "x": range(1_201)})
        assert store.put("t", ["id"], rows, time_column="at") == store.count("t") == 1_201
        assert store.refresh("u", ["id"], rows, time_column="at", before="", mark="m") == store.count("u") == 1_201
        assert store.get("u", [1_200]) == OnlineRow({"x": 1_200}, None)


def at(hour: int | None, *, rate: int | None) -> pa.Table:
    moment = None if hour is None else datetime(2013, 1, 1, hour, tzinfo=UTC)
    return pa.table({"id": [1], "at": pa.array([moment], pa.timestamp("us", "UTC")), "rate": [rate]})


def _timed(schema: pa.Schema) -> pa.Schema:
    place = schema.get_field_index("at")
    return schema.set(place, pa.field("at", pa.timestamp("us", "UTC")))


@pytest.mark.parametrize("opened", PREDICTIONS.values(), ids=PREDICTIONS)
def test_a_prediction_log_gives_its_batches(opened: Open, tmp_path: Path) -> None:
    log: PredictionLog = opened(tmp_path)
    assert not log.exists("m")
    for batch in ("1", "2"):
        log.record("m", pa.table({"prediction_id": [batch], "score": [0.5]}), batch=batch)
    assert log.exists("m")
    assert log.read("m").num_rows == 2
    assert log.read("m", batches=["2"]).column("prediction_id").to_pylist() == ["2"]


@pytest.mark.parametrize("opened", LABELS.values(), ids=LABELS)
def test_a_label_store_gives_what_was_known(opened: Open, tmp_path: Path) -> None:
    store: LabelStore = opened(tmp_path)
    assert not store.exists("m")
    rows = ROWS.rename_columns(["id", "known_at"])
    rows = rows.append_column("label", pa.array([1.0, None])).append_column(
        "status", pa.array(["labelled", "diverted"])
    )
    store.record("m", rows, batch="1")
    assert store.exists("m")
    assert store.read("m", batches=["1"]).num_rows == 2
    assert store.read("m", known_by=datetime(2013, 1, 1, tzinfo=UTC)).column("id").to_pylist() == [1]


@pytest.mark.parametrize("opened", LINEAGES.values(), ids=LINEAGES)
def test_a_lineage_grows_and_is_whole(opened: Open, tmp_path: Path) -> None:
    chain: Lineage = opened(tmp_path)
    assert chain.records() == []
    first = chain.append("verdict", "m", {"outcome": "ACCEPT"}, once="k")
    chain.append("release", "m", {"version": 1})
    assert chain.append("verdict", "m", {"outcome": "REJECT"}, once="k") == first
    assert [record.kind for record in chain.records(subject="m")] == ["verdict", "release"]
    assert chain.latest("verdict", "m") == first
    chain.verify()
