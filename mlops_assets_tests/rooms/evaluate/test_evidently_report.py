"""Evidently's page of the judged rows: for each task, against the champion or the training rows, self-contained."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.rooms.evaluate.evidence import Evidence
from mlops_assets.rooms.evaluate.evidently_report import evidently_html
from mlops_assets.rooms.label.task import Task
from mlops_assets.rooms.label.tasks import Binary, Multiclass, Regression
from mlops_assets.rooms.train.training_set import Examples
from mlops_assets_tests.rooms import judging

ROWS = 300


def evidence(task: Task, labels: Any, new: Any, old: Any) -> Evidence:
    """Two models of a task on a few rows."""
    data = judging.holdout(ROWS)
    rows = data.rows.set_column(data.rows.column_names.index("label"), "label", pa.array(labels))
    outcomes = task.outcomes(rows["label"])
    held = Examples(data.frame, outcomes, data.times, data.features, rows, task)
    champion = None if old is None else judging.scored(1, old, task=task.name)
    return judging.evidence(judging.scored(2, new, task=task.name), champion, held)


def binary() -> Evidence:
    data = judging.holdout(ROWS)
    return evidence(Binary(), data.labels, judging.truth(data), judging.truth(data, knows=0.3))


def multiclass(names: tuple[str, ...] = ("air", "rail", "sea")) -> Evidence:
    draw = np.random.default_rng(0)
    places = draw.integers(0, 3, ROWS)
    labels = [names[place] for place in places]
    labels[0] = "space"  # which neither model has ever seen
    sure = np.eye(3)[places] * 0.7 + 0.1
    return evidence(Multiclass(tuple(names)), labels, sure, np.full((ROWS, 3), 1 / 3))


def regression() -> Evidence:
    draw = np.random.default_rng(0)
    values = draw.normal(size=ROWS)
    return evidence(Regression(), values, values + draw.normal(0, 0.1, ROWS), np.zeros(ROWS))


@pytest.mark.parametrize(
    ("made", "shown"),
    [(binary, "ROC AUC"), (multiclass, "Confusion Matrix"), (regression, "MAE")],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_tasks_preset_is_drawn_against_the_champion_and_loads_nothing(made: Any, shown: str) -> None:
    html = evidently_html(made(), "v2-abc.html")
    assert shown.lower() in html.lower()
    assert "Reference: version 1, which is in use" in html
    assert "href='v2-abc.html'" in html


def test_a_first_model_is_drawn_against_the_rows_that_it_was_trained_on() -> None:
    data = judging.holdout(ROWS)
    first = replace(binary(), champion=None)
    bundle = first.challenger.bundle
    assert bundle is not None
    rows = data.rows.append_column("score", pa.array(judging.truth(data)))
    trained = replace(bundle, files={**bundle.files, "reference.parquet": judging.parquet(rows)})
    html = evidently_html(replace(first, challenger=replace(first.challenger, bundle=trained)), "v2.html")
    assert "Reference: the training rows" in html


def test_a_classs_name_cannot_end_the_script_that_it_stands_in() -> None:
    html = evidently_html(multiclass(("air", "</script><b>rail", "sea")), "v2-abc.html")
    assert "</script><b>rail" not in html
    assert "\u2039/script>" in html or "\\u2039/script>" in html
