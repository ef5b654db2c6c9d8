import re

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.errors import StoreError
from mlops_assets.rooms.monitor.drift import drift
from mlops_assets.rooms.monitor.evidently_report import ROWS, drift_html, sample, self_contained
from mlops_assets.rooms.monitor.page import Page
from mlops_assets.rooms.monitor.pictures import drift_picture
from mlops_assets.rooms.monitor.reference import Reference
from mlops_assets.rooms.monitor.words import drift_lines, drift_words
from mlops_assets.rooms.train.inputs import from_manifest
from mlops_assets_tests.rooms.monitor.days import MANIFEST, reference, window


def page(here: pa.Table, known: Reference) -> Page:
    figures = drift(here, known)
    picture = drift_picture(known.scores, known.scores, [])
    return Page(
        "late: drift in <March>", "looked at", figures.alarm, drift_words(figures), drift_lines(figures), picture
    )


def test_the_page_says_the_verdict_first_shows_evidentlys_columns_and_loads_nothing() -> None:
    here, known = window(shift=0.8), reference()
    html = drift_html(page(here, known), here, known)
    assert html.index("The window has drifted") < html.index("root_metric")
    assert "late: drift in &lt;March&gt;" in html
    assert "carrier" in html
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=[\"']?http", html)


def test_columns_that_are_empty_are_left_out_by_name() -> None:
    here, known = window(nulls=1.0), reference()
    assert "so not drawn: rain" in drift_html(page(here, known), here, known)


def test_a_score_that_never_varies_can_be_drawn() -> None:
    known = reference(days=20)
    rows = known.rows.set_column(
        known.rows.column_names.index("score"), "score", pa.array(np.full(len(known.rows), 0.3))
    )
    flat = Reference(known.manifest, rows, known.chunks)
    assert "<h1>" in drift_html(page(rows, flat), rows, flat)


def test_the_sample_is_bounded_and_always_the_same() -> None:
    rows = window(days=90, rows=60)
    features = list(from_manifest(MANIFEST))
    assert len(sample(rows, features)) == ROWS
    assert sample(rows, features).equals(sample(rows, features))


@pytest.mark.parametrize(
    "tag", ['<link href="https://fonts.example/x.css">', "<script src=//cdn.example/x.js></script>"]
)
def test_a_page_that_loads_something_from_elsewhere_is_refused(tag: str) -> None:
    with pytest.raises(StoreError, match="from elsewhere"):
        self_contained(f"<html><script>let a = '<img src=\"https://fine.example\">'</script>{tag}</html>")
