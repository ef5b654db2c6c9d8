"""Labels that come late open their window again: both judgements are kept, and what is unknown is said."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from mlops_assets import keys
from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.monitor import assets as monitor
from mlops_assets.rooms.monitor import timeline
from mlops_assets.rooms.monitor.history import latest, record
from mlops_assets.rooms.monitor.history import timeline as judgements
from mlops_assets.rooms.monitor.lanes import Lane, Mark, svg
from mlops_assets.rooms.serve import assets as serve
from mlops_assets.spec.plan import ModelPlan
from mlops_assets_tests.rooms import trips
from mlops_assets_tests.rooms.serve.served import APRIL, ServedStores, champion, run, split

NAME = "late_trips"
REPORT = (NAME, "performance_report")


def performance(plan: ModelPlan) -> list[dg.AssetsDefinition]:
    """Of the monitor's assets the one that looks at labels."""
    return [asset for asset in monitor.build(plan) if asset.key.path[-1] == "performance_report"]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ServedStores, list[Any], str]:
    """April arrives, then the first days of May; with what each run materialized, and April's first page."""
    stores = ServedStores(home=str(tmp_path_factory.mktemp("late")))
    early, late = split(trips.rows(6_000))
    champion(stores.registry(), early, trips.plan(evaluate={"slices": ("origin",)}))
    cut = late["event_time"].to_numpy() < (APRIL + timedelta(days=22)).replace(tzinfo=None)
    plan = trips.plan(evaluate={"slices": ("origin",)})
    way = [*serve.build(plan), *performance(plan)]
    page, made = "", []
    with dg.DagsterInstance.ephemeral() as instance:
        for batch, rows in (("april", late.filter(pa.array(cut))), ("may", late.filter(pa.array(~cut)))):
            trips.fill(stores.lake(), rows, batch=batch)
            result = run(way, stores, batch, instance)
            assert result.success
            made.append(result.get_asset_materialization_events())
            page = page or stores.reports().path(REPORT, "april").read_text()
    return stores, made, page


def test_a_window_is_judged_again_when_more_labels_have_matured(
    replayed: tuple[ServedStores, list[Any], str],
) -> None:
    stores, made, _ = replayed
    rows = judgements(stores.lake(), *REPORT)
    assert [(row["window"], row["judgement"]) for row in rows] == [("april", 1), ("april", 2), ("may", 1)]
    first, second, _ = rows
    assert first["pending"] > 0
    assert second["pending"] == 0
    assert second["matured"] == first["matured"] + first["pending"]
    assert second["label_cutoff"] > first["label_cutoff"]
    assert [row["judgement"] for row in latest(rows)] == [2, 1]
    reports = [event for event in made[1] if event.asset_key.path[-1] == "performance_report"]
    assert {event.partition for event in reports} == {"april", "may"}


def test_the_page_tells_what_is_known_by_when_and_against_whom(
    replayed: tuple[ServedStores, list[Any], str],
) -> None:
    stores, _, before = replayed
    now = stores.reports().path(REPORT, "april").read_text()
    assert "Judged for the second time" not in before
    assert "Judged for the second time" in now
    for part in ("Against whom", "baseline", "In the course of the window", "origin = ", "to come"):
        assert part in now
    assert "An estimate asks for nothing" in now


def test_judging_the_same_labels_again_adds_no_judgement(replayed: tuple[ServedStores, list[Any], str]) -> None:
    stores, _, _ = replayed
    before = judgements(stores.lake(), *REPORT)
    plan = trips.plan(evaluate={"slices": ("origin",)})
    with dg.DagsterInstance.ephemeral() as instance:
        assert run([*serve.build(plan), *performance(plan)], stores, "april", instance).success
    assert [row["judgement"] for row in judgements(stores.lake(), *REPORT)] == [row["judgement"] for row in before]


def test_the_timeline_holds_data_drift_estimate_truth_releases_and_requests(
    replayed: tuple[ServedStores, list[Any], str],
) -> None:
    stores, _, _ = replayed
    lineage = stores.lineage()
    moment = APRIL.isoformat()
    lineage.append("release", NAME, {"version": 1, "at": moment, "decision": "FIRST_MODEL", "who": "verdict"})
    row = {"window": "april", "window_start": APRIL, "window_end": APRIL, "alarm": True, "figure_name": "score_ks"}
    record(stores.lake(), NAME, "drift_report", {**row, "figure": 0.3, "threshold": 0.2})
    body = {"key": "k", "clock": moment, "causes": ["drift"], "reason": "drift: window april", "labels": 1}
    found = [{"cause": "drift", "evidence": "", "held": "cooldown", "windows": ["drift:april"]}]
    lineage.append("retrain_decision", NAME, {"retrain": False, "reason": "cooldown: 3 days of 28", "findings": found})
    lineage.append("retrain_request", NAME, {**body, "windows": ["drift:april"]})
    verdict = Verdict(NAME, "REJECT", (), 2, "d2", 1, ("", ""), 500)
    verdict.record(lineage)
    came = {"request": "k", "outcome": "refused", "reason": "no better <b>", "challenger": 2, "decision": "REJECT"}
    lineage.append("retrain_outcome", NAME, came)
    saved = timeline.save(stores.lake(), lineage, stores.reports(), trips.plan())
    html = saved.path.read_text()
    for lane in ("rows", "drift / threshold", "estimate", "truth: roc_auc", "releases", "requests"):
        assert f">{lane}</text>" in html
    assert "Version 1 is in force. 1 of 1 windows had drifted, 0 of " in html
    assert "A challenger was asked for once since the first model: 1 refused." in html
    done = "held back: cooldown: 3 days of 28; a challenger was asked for on 2024-04-01: refused: no better &lt;b&gt;"
    assert f"<td>{done}</td>" in html
    drift, page = (NAME, "drift_report"), f"v2-{verdict.digest[:12]}"
    links = {(REPORT, "april"): 3, (drift, "april"): 4, ((NAME, "verdict"), page): 1, ((NAME, "champion"), "v1"): 2}
    for (key, version), count in links.items():
        assert html.count(f"<a href='{stores.reports().url(key, version)}'>") == count, (key, version)
    assert saved.url == stores.reports().url(keys.key(NAME, "retrain_request"), "timeline")


def test_a_lane_of_one_mark_and_none_at_all_can_be_drawn() -> None:
    assert svg([Lane("empty", (), "dot")]) == ""
    assert svg([Lane("one", (Mark(APRIL, 0.0, "x"),), "dot", level=0.0)]).count("<circle") == 1
