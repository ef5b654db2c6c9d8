from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from mlops_assets.rooms.monitor import assets as monitor
from mlops_assets.rooms.monitor.history import newest
from mlops_assets.rooms.serve import assets as serve
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.served import ServedStores, champion, run, split

DRIFT, PERFORMANCE = ("late_trips", "drift_report"), ("late_trips", "performance_report")


@pytest.fixture
def stores(tmp_path: Path) -> ServedStores:
    return ServedStores(home=str(tmp_path))


def way() -> list[dg.AssetsDefinition]:
    return [*serve.build(trips.plan()), *monitor.build(trips.plan())]


def arrive(stores: ServedStores, late: pa.Table, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    trips.fill(stores.lake(), late, batch="april")
    result = run(way(), stores, "april", instance)
    assert result.success
    return result


def versions(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    made = [event.materialization for event in result.get_asset_materialization_events()]
    return {each.asset_key.path[-1]: (each.tags or {})["dagster/data_version"] for each in made}


def test_without_predictions_both_reports_are_skipped(stores: ServedStores) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = arrive(stores, split(trips.rows())[1], instance)
    assert not result.get_asset_materialization_events()
    assert newest(stores.lake(), "late_trips", "drift_report") is None


def test_a_calm_window_is_judged_drawn_kept_and_told(stores: ServedStores) -> None:
    early, late = split(trips.rows())
    champion(stores.registry(), early, trips.plan())
    with dg.DagsterInstance.ephemeral() as instance:
        result = arrive(stores, late, instance)
    drift, good = (newest(stores.lake(), *key) for key in (DRIFT, PERFORMANCE))
    assert drift is not None
    assert good is not None
    assert (drift["window"], drift["alarm"], drift["model_version"], drift["n"]) == ("april", False, 1, late.num_rows)
    assert not good["alarm"]
    assert good["label_cutoff"] == late["event_time"][-1].as_py()
    assert 0 < good["predicted"] - good["matured"] < 200
    assert stores.reports().path(DRIFT, "april").read_text().count("The window has not drifted") == 1
    assert "as good as it should be" in stores.reports().path(PERFORMANCE, "april").read_text()
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["drift"].passed
    assert checks["performance"].passed
    assert set(versions(result)) == {"predictions", "drift_report", "performance_report"}


def test_a_shifted_window_warns_and_the_run_goes_on(stores: ServedStores) -> None:
    early, late = split(trips.rows())
    champion(stores.registry(), early, trips.plan())
    shifted = late.set_column(
        late.column_names.index("distance"), "distance", pa.array(late["distance"].to_numpy() + 2)
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = arrive(stores, shifted, instance)
    drift, good = (newest(stores.lake(), *key) for key in (DRIFT, PERFORMANCE))
    assert drift is not None
    assert drift["alarm"]
    assert drift["figure"] > drift["threshold"]
    assert good is not None
    assert good["figure_name"] == "calibration_gap"
    severities = {check.check_name: (check.passed, check.severity) for check in result.get_asset_check_evaluations()}
    assert severities["drift"] == (False, dg.AssetCheckSeverity.WARN)


def test_the_same_window_makes_no_new_version_and_another_model_no_other_verdict(stores: ServedStores) -> None:
    early, late = split(trips.rows())
    champion(stores.registry(), early, trips.plan())
    with dg.DagsterInstance.ephemeral() as instance:
        first = versions(arrive(stores, late, instance))
        numbers = [stores.lake().version("/".join(key)) for key in (DRIFT, PERFORMANCE)]
        again = versions(arrive(stores, late, instance))
    assert first == again
    assert numbers == [stores.lake().version("/".join(key)) for key in (DRIFT, PERFORMANCE)]
    row = newest(stores.lake(), *DRIFT)
    assert row is not None
    other = {**row, "model_version": 2, "figure": 0.01, "threshold": 0.9}
    assert monitor.verdict_version(row) == monitor.verdict_version(other) == first["drift_report"]
    assert monitor.verdict_version({**row, "alarm": True}) != first["drift_report"]


def test_without_event_times_windows_are_judged_by_random_chunks(stores: ServedStores) -> None:
    plan, rows = trips.plan(timed=False), trips.rows(4_000, timed=False)
    trips.fill(stores.lake(), rows.slice(0, 3_000), batch="first")
    champion(stores.registry(), rows.slice(0, 3_000), plan, clean=stores.lake().version("trips/clean"))
    trips.fill(stores.lake(), rows.slice(3_000), batch="second")
    with dg.DagsterInstance.ephemeral() as instance:
        result = run([*serve.build(plan), *monitor.build(plan)], stores, "second", instance)
        assert result.success
    row = newest(stores.lake(), *DRIFT)
    assert row is not None
    assert row["window_end"] is None
    assert row["days"] == 5
    assert row["n"] == 1_000
