import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.rooms.monitor.drift import DriftFigures, drift
from mlops_assets.rooms.monitor.evidently_report import PLOTS, ROWS, Drawn, drawn, shown_rows
from mlops_assets.rooms.monitor.page import Page
from mlops_assets.rooms.monitor.pictures import drift_picture
from mlops_assets.rooms.monitor.reference import Reference
from mlops_assets.rooms.monitor.words import drift_answers, drift_details, drift_lines, drift_words
from mlops_assets.rooms.train.inputs import from_manifest
from mlops_assets.stores.workspace import FolderWorkspace
from mlops_assets_tests.rooms.monitor.days import MANIFEST, reference, window


def shown(here: pa.Table, known: Reference, name: str = "march") -> Drawn:
    figures = drift(here, known)
    end = here["event_time"][-1].as_py()
    row = {"window": name, "window_end": end, "model_version": 3, **figures.row()}
    return drawn(page(figures, known), here, known, figures, row)


def page(figures: DriftFigures, known: Reference) -> Page:
    picture = drift_picture(known.scores, known.scores, [])
    return Page(
        "late: drift in <March>",
        "looked at",
        figures.alarm,
        drift_words(figures),
        drift_lines(figures),
        picture,
        drift_answers(figures),
        drift_details(figures),
    )


def test_the_page_says_the_verdict_first_shows_evidentlys_columns_and_loads_nothing() -> None:
    here, known = window(shift=0.8), reference()
    html = shown(here, known).html
    assert html.index("The window has drifted") < html.index("root_metric")
    assert "late: drift in &lt;March&gt;" in html
    assert "carrier" in html
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=[\"']?http", html)


def test_columns_that_are_empty_are_left_out_by_name() -> None:
    here, known = window(nulls=1.0), reference()
    assert "so not drawn: rain" in shown(here, known).html


def test_a_score_that_never_varies_can_be_drawn() -> None:
    known = reference(days=20)
    rows = known.rows.set_column(
        known.rows.column_names.index("score"), "score", pa.array(np.full(len(known.rows), 0.3))
    )
    flat = Reference(known.manifest, rows, known.chunks)
    assert "<h1>" in shown(rows, flat).html


def test_the_sample_is_bounded_and_always_the_same() -> None:
    rows = window(days=90, rows=60)
    features = list(from_manifest(MANIFEST))
    assert len(shown_rows(rows, features)) == ROWS
    assert shown_rows(rows, features).equals(shown_rows(rows, features))


@pytest.fixture(scope="module")
def shifted() -> tuple[DriftFigures, Drawn]:
    here, known = window(shift=0.8), reference()
    return drift(here, known), shown(here, known)


def test_evidently_holds_our_figures_and_thresholds_and_reloads_them(shifted: tuple[DriftFigures, Drawn]) -> None:
    from evidently.core.report import Snapshot

    figures, found = shifted
    told = Snapshot.loads(found.snapshot).dict()
    values = {metric["config"].get("figure") or metric["config"]["column"]: metric for metric in told["metrics"]}
    assert values["figure over threshold: score"]["value"] == pytest.approx(figures.shifts[0].ratio)
    assert values["rain"]["value"] == pytest.approx(figures.columns["rain"])
    assert values["rain"]["config"]["threshold"] == pytest.approx(figures.usual["rain"])
    assert {test["status"].name for test in told["tests"] if "threshold: score" in test["name"]} == {"FAIL"}
    assert {test["status"].name for test in told["tests"] if "share of" in test["name"]} == {"SUCCESS"}
    assert {name for names in PLOTS.values() for name in names} <= set(values)


def test_a_window_that_could_not_be_judged_is_drawn_without_figures() -> None:
    assert "No judgement" in shown(window(days=3), reference(days=5)).html


def test_no_value_and_no_name_ends_evidentlys_script() -> None:
    bad = "</script><script src=//evil.example></script>"
    known, here = reference(carriers="AB"), window(carriers="AB")

    def renamed(rows: pa.Table) -> pa.Table:
        carriers = [f"{value}{bad}" for value in rows["carrier"].to_pylist()]
        return rows.set_column(rows.column_names.index("carrier"), "carrier", pa.array(carriers)).rename_columns(
            [bad if name == "rain" else name for name in rows.column_names]
        )

    manifest = {**MANIFEST, "features": [{"name": bad, "kind": "number"}, {"name": "carrier", "kind": "category"}]}
    other = Reference(manifest, renamed(known.rows), known.chunks)
    html = shown(renamed(here), other, name=bad).html
    assert "evil.example" in html
    assert "<script src=//evil" not in html


def test_what_is_usual_is_folded_and_what_is_not_stands_above(shifted: tuple[DriftFigures, Drawn]) -> None:
    html = shifted[1].html
    assert html.index("What changed?") < html.index("Does it matter?") < html.index("What is done about it?")
    assert html.index("score: distance (KS)") < html.index("<details>") < html.index("within their bounds")


def test_evidentlys_own_client_finds_the_windows_in_the_workspace(
    shifted: tuple[DriftFigures, Drawn], tmp_path: Path
) -> None:
    from evidently.ui.workspace import Workspace

    for model, name in (("late", "march"), ("late", "april"), ("late", "april"), ("other", "april")):
        FolderWorkspace(tmp_path).add(model, name, shifted[1].snapshot, PLOTS)
    opened = Workspace(str(tmp_path))
    projects = {project.name: project for project in opened.list_projects()}
    assert projects.keys() == {"late", "other"}
    runs = opened.list_runs(projects["late"].id)
    assert len(runs) == 2
    kept = opened.get_run(projects["late"].id, runs[0])
    assert kept.tags == ["challenger", "version 3"]
    assert "The window has drifted" in kept.metadata["verdict"]
    assert [panel.title for panel in opened.get_dashboard(projects["late"].id).panels] == list(PLOTS)
